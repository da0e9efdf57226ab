"""Prints the keys that an AWS SDK finds in this environment, as JSON; with an argument those of the profile of that name."""

import json
import sys

import botocore.session

session = botocore.session.Session(profile=sys.argv[1] if len(sys.argv) > 1 else None)
keys = session.get_credentials().get_frozen_credentials()
print(json.dumps({"key": keys.access_key, "secret": keys.secret_key, "token": keys.token}))
