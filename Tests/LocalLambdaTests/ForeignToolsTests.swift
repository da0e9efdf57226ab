import Foundation
import HTTP
import LocalLambda
import TestSupport
import Testing

/// AWS's own runtime client and SDK for Python.
@Suite(.fewAtOnce) struct ForeignToolsTests {
    @Test(.enabled(if: InstalledTools.hasPython("awslambdaric"), "awslambdaric is not installed"))
    func `awslambdaric runs a Python handler`() async throws {
        let fixture = try LambdaFixture(files: [
            "app.py": """
            import sys
            def handler(event, context):
                if event.get('raise'): raise ValueError('bad value')
                if event.get('exit'): sys.exit(4)
                if event.get('bytes'): return b'raw bytes'
                print('in python')
                return {'event': event, 'name': context.function_name, 'left': context.get_remaining_time_in_millis() > 15000}
            """
        ]) { directory in
            [
                LocalFunction(
                    name: "f", program: .command([InstalledTools.python, "-m", "awslambdaric", "app.handler"]),
                    directory: directory, concurrency: 1),
                LocalFunction(
                    name: "broken",
                    program: .command([InstalledTools.python, "-m", "awslambdaric", "missing.handler"]),
                    directory: directory, concurrency: 1),
            ]
        }
        let answer = try await fixture.call(stream: false, event: #"{"a":"ü"}"#)
        #expect(answer.text == #"{"event": {"a": "\u00fc"}, "name": "f", "left": true}"#)
        #expect(try await fixture.waitForLog("in python").count == 1)
        #expect(try await fixture.call(event: #"{"a":1}"#).payload.hasPrefix(#"{"event": {"a": 1}"#))
        #expect(try await fixture.call(event: #"{"bytes":true}"#).payload == "raw bytes")

        let failed = try await fixture.call(stream: false, event: #"{"raise":true}"#)
        #expect(failed.head.fields.first("x-amz-function-error") == "Unhandled")
        #expect(failed.text.contains(#""errorType": "ValueError""#))
        let exited = try await fixture.call(event: #"{"exit":true}"#)
        #expect(exited.completion["ErrorDetails"]?.contains("Runtime.ExitError") == true)
        let broken = try await fixture.call("broken")
        #expect(broken.completion["ErrorDetails"]?.contains("Runtime.ImportModuleError") == true)
    }

    @Test(.enabled(if: InstalledTools.hasPython("boto3"), "boto3 is not installed"))
    func `boto3 invokes both ways, and sees chunks, errors and exceptions`() async throws {
        let fixture = try LambdaFixture(files: [
            "runtime.py": PythonRuntime.source,
            "f.py": """
            from runtime import *
            while True:
                id, event, headers = next_invocation()
                if event.get('buffered'):
                    respond(id, {'got': event})
                elif event.get('error'):
                    error(id, 'ValueError', 'no')
                else:
                    begin_stream(id)
                    chunk('first')
                    wait_for('first-arrived')
                    chunk('last')
                    if event.get('break'): fail_stream('Broken', '{"errorMessage":"half way"}')
                    else: end_stream()
            """,
            "boto.py": """
            import boto3, json, os, sys
            from botocore.config import Config
            from botocore.exceptions import ClientError
            client = boto3.client('lambda', endpoint_url=sys.argv[1], region_name='eu-west-1',
                aws_access_key_id='AKIDLOCAL', aws_secret_access_key='a+secret/for=tests',
                config=Config(retries={'max_attempts': 0}))
            def stream(name='f', **event):
                result = []
                answer = client.invoke_with_response_stream(FunctionName=name, Payload=json.dumps(event), LogType='Tail')
                for item in answer['EventStream']:
                    if 'PayloadChunk' in item:
                        text = item['PayloadChunk']['Payload'].decode()
                        result.append(text)
                        open(text + '-arrived', 'w').close()
                    else:
                        complete = item['InvokeComplete']
                        result.append({key: complete.get(key) for key in ('ErrorCode', 'ErrorDetails')})
                        assert 'LogResult' in complete
                return result
            def refusal(call, **arguments):
                try: call(**arguments)
                except ClientError as error: return [error.response['Error']['Code'], error.response['ResponseMetadata']['HTTPStatusCode']]
            print(json.dumps(stream()))
            print(json.dumps(stream('arn:aws:lambda:eu-west-1:000000000000:function:f', **{'break': True})))
            answer = client.invoke(FunctionName='f', Payload=json.dumps({'buffered': 1}), Qualifier='$LATEST')
            print(answer['StatusCode'], answer['ExecutedVersion'], answer['Payload'].read().decode())
            answer = client.invoke(FunctionName='f', Payload=json.dumps({'error': 1}))
            print(answer['StatusCode'], answer['FunctionError'], json.loads(answer['Payload'].read())['errorType'])
            print(client.invoke(FunctionName='f', InvocationType='DryRun')['StatusCode'],
                client.invoke(FunctionName='f', InvocationType='Event', Payload='{"buffered": 1}')['StatusCode'])
            print(json.dumps([refusal(client.invoke, FunctionName='missing'),
                refusal(client.invoke_with_response_stream, FunctionName='missing'),
                refusal(client.invoke, FunctionName='f', Payload='{')]))
            """,
        ]) { directory in
            [
                LocalFunction(
                    name: "f", program: .command(["python3", "-S", "-E", "f.py"]), directory: directory, concurrency: 1)
            ]
        }
        let output = try await withCheckedThrowingContinuation { continuation in
            Thread {
                continuation.resume(
                    with: Result {
                        try InstalledTools.runPython(
                            ["\(fixture.directory)/boto.py", "http://\(fixture.address)"], in: fixture.directory)
                    })
            }.start()
        }
        #expect(output.status == 0)
        #expect(
            output.text.split(separator: "\n") == [
                #"["first", "last", {"ErrorCode": null, "ErrorDetails": null}]"#,
                #"["first", "last", {"ErrorCode": "Broken", "ErrorDetails": "{\"errorMessage\":\"half way\"}"}]"#,
                #"200 $LATEST {"got": {"buffered": 1}}"#,
                "200 Unhandled ValueError",
                "204 202",
                #"[["ResourceNotFoundException", 404], ["ResourceNotFoundException", 404], ["InvalidRequestContentException", 400]]"#,
            ])
    }
}
