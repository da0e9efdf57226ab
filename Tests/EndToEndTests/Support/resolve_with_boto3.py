"""Prints the keys that an AWS SDK finds in this environment, as JSON."""

import json

import botocore.session

keys = botocore.session.get_session().get_credentials().get_frozen_credentials()
print(json.dumps({"key": keys.access_key, "secret": keys.secret_key, "token": keys.token}))
