"""Calls a local function with an AWS SDK, and prints each piece of its answer as it comes."""

import sys

import boto3
from botocore.config import Config

address, name, event = sys.argv[1:]
client = boto3.client("lambda", endpoint_url=address, config=Config(retries={"max_attempts": 0}))
answer = client.invoke_with_response_stream(FunctionName=name, Payload=event.encode())
for event in answer["EventStream"]:
    if "PayloadChunk" in event:
        print(event["PayloadChunk"]["Payload"].decode(), flush=True)
    else:
        print("complete" if not event["InvokeComplete"].get("ErrorCode") else event, flush=True)
