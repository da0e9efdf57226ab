/// The JavaScript that runs an unmodified Node.js handler file: a string of the program, so that nothing has to be
/// installed beside it. The local Lambda writes it to a private directory.
enum NodeBootstrap {
    /// The file's name. `.cjs`, so that no `package.json` above it decides what it is.
    static let fileName = "bootstrap.cjs"

    /// The file's text.
    static let source = #"""
        'use strict';

        // Runs one unmodified Lambda handler file of Node.js against the Runtime API: CommonJS or an ES module,
        // buffered or streaming. Written to a private directory when the local Lambda starts, and run by node once for
        // each child.

        const fs = require('node:fs');
        const http = require('node:http');
        const { createRequire } = require('node:module');
        const path = require('node:path');
        const { Writable } = require('node:stream');
        const { pathToFileURL } = require('node:url');

        const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
        const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');
        const INTEGRATION = 'application/vnd.awslambda.http-integration-response';
        const ERROR_TYPE = 'Lambda-Runtime-Function-Error-Type';
        const ERROR_BODY = 'Lambda-Runtime-Function-Error-Body';

        const authority = process.env.AWS_LAMBDA_RUNTIME_API;
        const split = authority.lastIndexOf(':');
        const host = authority.slice(0, split);
        const port = Number(authority.slice(split + 1));
        // One connection is kept and used again; while it is idle it does not keep the process alive.
        const agent = new http.Agent({ keepAlive: true });

        /** The invocation that is running, or null. */
        let current = null;
        /** Whether the handler has been loaded. */
        let isLoaded = false;
        /** What to do when nothing keeps the event loop busy any more. */
        let whenIdle = null;

        // ---- The Runtime API ----

        function open(method, tail, headers) {
          return http.request({ host, port, method, path: `/2018-06-01/runtime/${tail}`, headers, agent });
        }

        /** Resolves with status, headers and body once the host has answered. */
        function answerTo(request) {
          return new Promise((resolve, reject) => {
            request.on('error', reject);
            request.on('response', (response) => {
              const pieces = [];
              response.on('data', (piece) => pieces.push(piece));
              response.on('error', reject);
              response.on('end', () =>
                resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces) }));
            });
          });
        }

        function post(tail, text, headers) {
          const body = Buffer.from(text);
          const request = open('POST', tail, {
            'Content-Type': 'application/json', 'Content-Length': body.length, ...headers,
          });
          const answer = answerTo(request);
          request.end(body);
          return answer;
        }

        function describe(error) {
          if (error instanceof Error || (error && typeof error === 'object' && 'stack' in error && 'message' in error)) {
            return {
              errorType: String(error.name),
              errorMessage: String(error.message),
              trace: String(error.stack ?? '').split('\n'),
            };
          }
          return { errorType: typeof error, errorMessage: String(error), trace: [] };
        }

        /** A header value can hold printable ASCII only. */
        function headerSafe(text) {
          return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 1024);
        }

        function reportError(tail, description) {
          return post(tail, JSON.stringify(description), { [ERROR_TYPE]: headerSafe(description.errorType) });
        }

        // ---- Streaming ----

        /** What a streaming handler writes to. The POST begins with the first byte, or with the end. */
        class ResponseStream extends Writable {
          #id;
          #contentType = 'application/octet-stream';
          #request = null;
          #failure = null;
          #beforeFirstWrite = null;
          #announceAnswer;
          /** Settles when the host has answered the POST. */
          answered = new Promise((resolve, reject) => { this.#announceAnswer = { resolve, reject }; });

          constructor(id, highWaterMark) {
            super({ decodeStrings: true, ...(highWaterMark ? { highWaterMark } : {}) });
            this.#id = id;
            this.answered.catch(() => {});
            // Told through `answered` and the handler's own failure; without a listener it would end the process.
            this.on('error', () => {});
          }

          setContentType(type) {
            if (this.#request) throw new Error('The content type cannot be set after the response has begun');
            this.#contentType = String(type);
          }

          /** For HttpResponseStream: what is written in front of the first write, and nothing before it. */
          _onBeforeFirstWrite(callback) {
            this.#beforeFirstWrite = callback;
          }

          get hasUnsentPrelude() { return this.#beforeFirstWrite !== null; }

          write(chunk, encoding, callback) {
            const before = this.#beforeFirstWrite;
            this.#beforeFirstWrite = null;
            if (before) before((bytes) => super.write(bytes));
            return super.write(asBytes(chunk), encoding, callback);
          }

          end(chunk, encoding, callback) {
            if (typeof chunk === 'function' || chunk === null || chunk === undefined) {
              return super.end(chunk, encoding, callback);
            }
            return super.end(asBytes(chunk), encoding, callback);
          }

          #begin() {
            if (this.#request) return this.#request;
            this.#request = open('POST', `invocation/${this.#id}/response`, {
              'Content-Type': this.#contentType,
              'Lambda-Runtime-Function-Response-Mode': 'streaming',
              'Transfer-Encoding': 'chunked',
              'Trailer': [ERROR_TYPE, ERROR_BODY],
            });
            answerTo(this.#request).then(this.#announceAnswer.resolve, (error) => {
              this.#announceAnswer.reject(error);
              this.destroy(error);
            });
            return this.#request;
          }

          _write(chunk, encoding, callback) {
            const request = this.#begin();
            // The caller is held back for as long as the host does not take the bytes.
            if (request.write(chunk) || request.destroyed) callback();
            else request.once('drain', callback);
          }

          _final(callback) {
            this.#finish();
            callback();
          }

          #finish() {
            const request = this.#begin();
            if (request.writableEnded) return;
            if (this.#failure) {
              request.addTrailers({
                [ERROR_TYPE]: headerSafe(this.#failure.errorType),
                [ERROR_BODY]: Buffer.from(JSON.stringify(this.#failure)).toString('base64'),
              });
            }
            request.end();
          }

          /** Ends the response with an error, after everything that was written before. */
          fail(description) {
            this.#failure = description;
            this.#beforeFirstWrite = null;
            if (this.destroyed) this.#finish();
            else if (!this.writableEnded) super.end();
            return this.answered;
          }

          /** The handler is content, but has destroyed its stream: what it left unfinished is broken off. */
          abandon() {
            if (this.#request && !this.#request.writableEnded) this.#request.destroy(new Error('The stream was destroyed'));
          }
        }

        function asBytes(chunk) {
          if (typeof chunk === 'string' || ArrayBuffer.isView(chunk)) return chunk;
          if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
          return JSON.stringify(chunk) ?? String(chunk);
        }

        class HttpResponseStream {
          /** Makes the stream an HTTP response: status, headers and cookies go in front of its first write. */
          static from(stream, metadata) {
            stream.setContentType(INTEGRATION);
            const prelude = JSON.stringify(metadata ?? {});
            stream._onBeforeFirstWrite((write) => {
              write(prelude);
              write(new Uint8Array(8));
            });
            return stream;
          }
        }

        globalThis.awslambda = {
          HttpResponseStream,
          streamifyResponse(handler, options) {
            handler[STREAMING] = 'response';
            if (options?.highWaterMark !== undefined) handler[HIGH_WATER_MARK] = Number(options.highWaterMark);
            return handler;
          },
        };

        async function runStreaming(handler, invocation) {
          const stream = new ResponseStream(invocation.id, handler[HIGH_WATER_MARK]);
          // A handler that never ends its stream is ended by its deadline, not by an empty event loop.
          const hold = setInterval(() => {}, 0x7fffffff);
          try {
            const result = handler(invocation.event, stream, invocation.context);
            if (typeof result?.then !== 'function') {
              console.warn('The streaming handler returned no promise: AWS Lambda refuses such handlers.');
            }
            await result;
          } catch (error) {
            const description = describe(error);
            console.error('Invoke Error\t' + JSON.stringify(description));
            await stream.fail(description);
            return;
          } finally {
            clearInterval(hold);
          }
          if (stream.destroyed && !stream.writableFinished) stream.abandon();
          const keepWaiting = setInterval(() => {}, 0x7fffffff);
          try {
            if (stream.writableEnded && stream.hasUnsentPrelude) {
              console.warn('The stream was ended without write(): as on AWS Lambda, status and headers were not sent.');
            }
            await stream.answered;
          } finally {
            clearInterval(keepWaiting);
          }
        }

        // ---- Buffered ----

        function runBuffered(handler, invocation) {
          return new Promise((resolve) => {
            const { id, context } = invocation;
            let isDone = false;

            const finish = (error, result) => {
              if (isDone) return;
              isDone = true;
              whenIdle = null;
              resolve(error === null || error === undefined ? succeed(id, result) : failWith(id, error));
            };
            const finishWhenIdle = (error, result) => {
              if (context.callbackWaitsForEmptyEventLoop) whenIdle = () => finish(error, result);
              else setImmediate(finish, error, result);
            };

            context.done = (error, result) => finish(error, result);
            context.succeed = (result) => finish(null, result);
            context.fail = (error) => finish(error ?? 'handled', undefined);
            // Nothing called back and nothing left to wait for: the answer is null.
            whenIdle = () => finish(null, null);
            let result;
            try {
              result = handler(invocation.event, context, finishWhenIdle);
            } catch (error) {
              finish(error ?? new Error('The handler threw nothing'), undefined);
              return;
            }
            if (typeof result?.then === 'function') {
              result.then((value) => finish(null, value), (error) => finish(error ?? new Error('The handler rejected with nothing')));
            }
          });
        }

        async function succeed(id, result) {
          let text;
          try {
            text = JSON.stringify(result === undefined ? null : result) ?? 'null';
          } catch (error) {
            return failWith(id, Object.assign(new Error('Unable to stringify response body: ' + error.message),
              { name: 'Runtime.MarshalError' }));
          }
          const answer = await post(`invocation/${id}/response`, text);
          if (answer.status === 413) console.error('The response is too large: ' + answer.body);
        }

        async function failWith(id, error) {
          const description = describe(error);
          console.error('Invoke Error\t' + JSON.stringify(description));
          await reportError(`invocation/${id}/error`, description);
        }

        // ---- Invocations ----

        function contextOf(headers) {
          const deadline = Number(headers['lambda-runtime-deadline-ms']);
          const parsed = (name) => (headers[name] ? JSON.parse(headers[name]) : undefined);
          return {
            callbackWaitsForEmptyEventLoop: true,
            functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
            functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
            memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
            logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
            logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
            awsRequestId: headers['lambda-runtime-aws-request-id'],
            invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
            clientContext: parsed('lambda-runtime-client-context'),
            identity: parsed('lambda-runtime-cognito-identity'),
            tenantId: headers['lambda-runtime-aws-tenant-id'],
            getRemainingTimeInMillis: () => deadline - Date.now(),
          };
        }

        async function nextInvocation() {
          const request = open('GET', 'invocation/next');
          const answer = answerTo(request);
          request.end();
          const { status, headers, body } = await answer;
          if (status !== 200) throw new Error(`The Runtime API answered ${status}: ${body}`);
          const traceID = headers['lambda-runtime-trace-id'];
          if (traceID) process.env._X_AMZN_TRACE_ID = traceID;
          else delete process.env._X_AMZN_TRACE_ID;
          return { id: headers['lambda-runtime-aws-request-id'], event: JSON.parse(body), context: contextOf(headers) };
        }

        async function serve(handler) {
          const run = handler[STREAMING] === 'response' ? runStreaming : runBuffered;
          for (;;) {
            try {
              current = await nextInvocation();
            } catch (error) {
              console.error('The Runtime API cannot be reached: ' + error.message);
              process.exit(1);
            }
            try {
              await run(handler, current);
            } catch (error) {
              // The host has ended the invocation already: its time was over, or it has gone.
              console.error('The answer was not taken: ' + error.message);
            }
            current = null;
          }
        }

        // ---- Loading ----

        function named(type, message) {
          return Object.assign(new Error(message), { name: type });
        }

        function isModule(file) {
          if (file.endsWith('.mjs')) return true;
          if (file.endsWith('.cjs')) return false;
          // The nearest package.json decides.
          for (let directory = path.dirname(file); ; directory = path.dirname(directory)) {
            const description = path.join(directory, 'package.json');
            if (fs.existsSync(description)) return JSON.parse(fs.readFileSync(description, 'utf8')).type === 'module';
            if (directory === path.dirname(directory) || path.basename(directory) === 'node_modules') return false;
          }
        }

        async function load(root, name) {
          const base = path.basename(name);
          const dot = base.indexOf('.');
          if (dot <= 0 || dot === base.length - 1 || name.split('/').includes('..')) {
            throw named('Runtime.MalformedHandlerName', `Bad handler ${name}: it is file.function`);
          }
          const stem = path.resolve(root, path.dirname(name), base.slice(0, dot));
          const file = ['', '.js', '.mjs', '.cjs'].map((end) => stem + end)
            .find((candidate) => fs.statSync(candidate, { throwIfNoEntry: false })?.isFile());
          if (!file) throw named('Runtime.ImportModuleError', `Error: Cannot find module '${path.basename(stem)}' in ${path.dirname(stem)}`);
          let module;
          try {
            module = isModule(file) ? await import(pathToFileURL(file).href) : createRequire(file)(file);
          } catch (error) {
            if (error instanceof SyntaxError) throw Object.assign(error, { message: `SyntaxError: ${error.message}`, name: 'Runtime.UserCodeSyntaxError' });
            if (error?.code === 'MODULE_NOT_FOUND' || error?.code === 'ERR_MODULE_NOT_FOUND') {
              throw Object.assign(error, { message: `Error: ${error.message}`, name: 'Runtime.ImportModuleError' });
            }
            throw error;
          }
          const keys = base.slice(dot + 1).split('.');
          const find = (from) => keys.reduce((value, key) => value?.[key], from);
          const handler = find(module) ?? find(module?.default);
          if (handler === undefined) throw named('Runtime.HandlerNotFound', `${name} is undefined or not exported`);
          if (typeof handler !== 'function') throw named('Runtime.HandlerNotFound', `${name} is not a function`);
          return handler;
        }

        // ---- The end of the process ----

        async function die(error, status) {
          const description = describe(error);
          console.error('Uncaught Exception\t' + JSON.stringify(description));
          try {
            if (current) await reportError(`invocation/${current.id}/error`, description);
            else if (!isLoaded) await reportError('init/error', description);
          } catch {
            // The host is gone, or has heard it in another way.
          }
          process.exit(status);
        }

        process.on('beforeExit', () => {
          const idle = whenIdle;
          whenIdle = null;
          if (idle) idle();
        });
        process.on('uncaughtException', (error) => die(error, 129));
        process.on('unhandledRejection', (reason) => {
          const message = reason instanceof Error ? `${reason.name}: ${reason.message}` : String(reason);
          const error = named('Runtime.UnhandledPromiseRejection', message);
          if (reason instanceof Error) error.stack = reason.stack;
          die(error, 128);
        });

        load(process.env.LAMBDA_TASK_ROOT ?? process.cwd(), process.env._HANDLER ?? '').then(
          (handler) => {
            isLoaded = true;
            return serve(handler);
          },
          async (error) => {
            const description = describe(error);
            console.error('Init Error\t' + JSON.stringify(description));
            await reportError('init/error', description).catch(() => {});
            process.exit(1);
          });
        """#
}
