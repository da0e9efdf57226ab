extension Page {
    /// What to try in a terminal, and the script that runs the comparison.
    static let closing = #"""
        <section aria-labelledby="terminal">
        <h2 id="terminal">In a terminal</h2>
        <pre><code id="command">curl -N -w "Connect: %{time_connect} TTFB: %{time_starttransfer} Total time: %{time_total}\n" http://127.0.0.1:8080/gettysburg</code></pre>
        <p class="soft">Where Node.js is installed, <a href="/node/gettysburg">/node/gettysburg</a> runs an unmodified
        JavaScript handler with <code>awslambda.streamifyResponse</code>.</p>
        </section>
        </main>
        <footer class="soft">Nothing here left this machine. For functions in AWS, a route in the configuration names them
        instead; everything else stays as it is.</footer>
        <script>
        arrived();
        const seconds = (milliseconds) => (milliseconds / 1000).toFixed(2) + ' s';
        const find = (selector, root = document) => root.querySelector(selector);
        find('#command').textContent = find('#command').textContent.replace('http://127.0.0.1:8080', location.origin);

        function mark(track, at, scale) {
          const tick = document.createElement('i');
          tick.style.left = 'calc(' + Math.min(99.5, at / scale * 100) + '% - 2px)';
          track.append(tick);
        }

        for (const at of arrivals) mark(find('#arrivals'), at + 20, Math.max(1300, arrivals.at(-1) + 100));
        find('#arrival-text').textContent =
          'The ' + arrivals.length + ' pieces of this page came after ' + arrivals.map(seconds).join(', ');

        async function run(card, path) {
          const first = find('[data-first]', card), total = find('[data-total]', card);
          const track = find('.track', card), text = find('.text', card);
          track.replaceChildren();
          text.innerHTML = '<p class="wait">Waiting for the first byte …</p>';
          const started = performance.now();
          let firstAt;
          const clock = setInterval(() => {
            const now = seconds(performance.now() - started);
            if (firstAt === undefined) first.textContent = now;
            total.textContent = now;
          }, 50);
          first.className = total.className = 'running';
          try {
            const response = await fetch(path, { cache: 'no-store' });
            if (!response.ok) throw new Error('status ' + response.status);
            const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
            for (;;) {
              const { value, done } = await reader.read();
              const at = performance.now() - started;
              if (done) break;
              if (firstAt === undefined) {
                firstAt = at;
                first.textContent = seconds(at);
                first.className = '';
                text.replaceChildren();
              }
              mark(track, at, 9000);
              for (const line of value.split('\n')) {
                if (!line) continue;
                const paragraph = document.createElement('p');
                paragraph.textContent = line;
                text.append(paragraph);
              }
            }
            const totalTime = performance.now() - started;
            total.textContent = seconds(totalTime);
            return { first: firstAt, total: totalTime };
          } catch (error) {
            const paragraph = document.createElement('p');
            paragraph.className = 'wait';
            paragraph.textContent = 'The answer broke: ' + error.message;
            text.append(paragraph);
          } finally {
            clearInterval(clock);
            total.className = '';
          }
        }

        async function compare() {
          const again = find('#again');
          again.disabled = true;
          find('#verdict').textContent = '';
          const [streamed, buffered] = await Promise.all([
            run(find('#streamed'), '/gettysburg'),
            run(find('#buffered'), '/gettysburg-buffered'),
          ]);
          if (streamed && buffered) {
            find('#verdict').textContent = 'Streamed: something to read after ' + seconds(streamed.first) +
              '. Buffered: after ' + seconds(buffered.first) + '. Both were complete after about ' +
              Math.round(Math.max(streamed.total, buffered.total) / 1000) + ' seconds.';
          }
          again.disabled = false;
        }

        function ask() {
          const button = find('#ask'), talk = find('#talk');
          button.disabled = true;
          talk.textContent = '';
          let tokens = 0, started;
          const source = new EventSource('/chat');
          source.onmessage = (event) => {
            started ??= performance.now();
            tokens += 1;
            talk.textContent += JSON.parse(event.data).token;
            find('#tokens').textContent = tokens + ' tokens in ' + seconds(performance.now() - started);
          };
          const end = () => { source.close(); button.disabled = false; };
          source.addEventListener('done', end);
          source.onerror = () => { end(); talk.textContent += ' – the stream broke.'; };
        }

        async function fetchMuch() {
          const button = find('#fetch'), amount = find('#amount'), rate = find('#rate');
          button.disabled = true;
          const started = performance.now();
          let bytes = 0;
          try {
            const response = await fetch('/download?bytes=' + amount.max, { cache: 'no-store' });
            const reader = response.body.getReader();
            for (;;) {
              const { value, done } = await reader.read();
              if (done) break;
              bytes += value.length;
              amount.value = bytes;
            }
            const time = performance.now() - started;
            rate.textContent = seconds(time) + ', ' + Math.round(bytes / 1048576 / time * 1000) + ' MiB/s';
          } catch (error) {
            rate.textContent = 'broke after ' + bytes + ' bytes';
          }
          button.disabled = false;
        }

        find('#again').addEventListener('click', compare);
        find('#ask').addEventListener('click', ask);
        find('#fetch').addEventListener('click', fetchMuch);
        compare();
        ask();
        </script>
        </body>
        </html>

        """#
}
