"""Calls a local function with an AWS SDK: both ways of calling, and what must be refused."""

import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

address, name = sys.argv[1:]
config = Config(retries={"max_attempts": 0})
client = boto3.client("lambda", endpoint_url=address, config=config)

answer = client.invoke_with_response_stream(FunctionName=name, Payload=b'{"rawPath":"/"}')
assert answer["StatusCode"] == 200, answer
events = list(answer["EventStream"])
chunks = [event["PayloadChunk"]["Payload"] for event in events if "PayloadChunk" in event]
assert len(chunks) > 3, events
assert b"statusCode" in chunks[0] and b"event: done" in b"".join(chunks), chunks
assert "InvokeComplete" in events[-1] and not events[-1]["InvokeComplete"].get("ErrorCode"), events[-1]

answer = client.invoke(FunctionName=name, Payload=b'{"rawPath":"/"}')
assert answer["StatusCode"] == 200 and "FunctionError" not in answer, answer
assert b"event: done" in answer["Payload"].read()


def refusal(client, name):
    try:
        client.invoke(FunctionName=name, Payload=b"{}")
    except ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError("was not refused")


assert refusal(client, "nobody") == "ResourceNotFoundException"
stranger = boto3.client(
    "lambda", endpoint_url=address, config=config, aws_access_key_id="AKIDOTHER", aws_secret_access_key="x"
)
assert refusal(stranger, name) == "UnrecognizedClientException", refusal(stranger, name)
forger = boto3.client(
    "lambda", endpoint_url=address, config=config, aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="wrong"
)
assert refusal(forger, name) == "InvalidSignatureException", refusal(forger, name)
print("every check passed")
