extension Page {
    /// The same text, streamed and buffered.
    static let comparison = #"""
        <section aria-labelledby="side-by-side">
        <div class="title">
        <h2 id="side-by-side">The same function, streamed and buffered</h2>
        <button type="button" id="again">Run both again</button>
        </div>
        <p class="soft">The Gettysburg Address, a sentence a second. On the left each sentence is shown when the function
        has written it; on the right somebody between you and the function waits for the last one.</p>
        <p id="verdict" role="status" class="soft"></p>
        <div class="pair">
        <article class="card streamed" id="streamed">
        <div class="title"><h3>Streamed</h3><code>/gettysburg</code></div>
        <dl><div><dt>First byte</dt><dd data-first>–</dd></div><div><dt>Total</dt><dd data-total>–</dd></div></dl>
        <div class="track" role="img" aria-label="When the pieces arrived, on a scale of nine seconds"></div>
        <div class="scale" aria-hidden="true"><span>0 s</span><span>3 s</span><span>6 s</span><span>9 s</span></div>
        <div class="text"></div>
        </article>
        <article class="card buffered" id="buffered">
        <div class="title"><h3>Buffered</h3><code>/gettysburg-buffered</code></div>
        <dl><div><dt>First byte</dt><dd data-first>–</dd></div><div><dt>Total</dt><dd data-total>–</dd></div></dl>
        <div class="track" role="img" aria-label="When the pieces arrived, on a scale of nine seconds"></div>
        <div class="scale" aria-hidden="true"><span>0 s</span><span>3 s</span><span>6 s</span><span>9 s</span></div>
        <div class="text"></div>
        </article>
        </div>
        </section>
        <script>arrived();</script>

        """#

    /// Server-sent events.
    static let chat = #"""
        <section aria-labelledby="token-by-token">
        <div class="card streamed">
        <div class="title">
        <h2 id="token-by-token">Token by token</h2>
        <button type="button" id="ask">Ask again</button>
        </div>
        <p class="soft">Server-sent events from <code>/chat</code>: <span id="tokens" class="number">0 tokens</span></p>
        <p id="talk"></p>
        </div>
        </section>
        <script>arrived();</script>

        """#

    /// A large body.
    static let download = #"""
        <section aria-labelledby="at-full-speed">
        <div class="card streamed">
        <div class="title">
        <h2 id="at-full-speed">At full speed</h2>
        <button type="button" id="fetch">Fetch 64 MiB</button>
        </div>
        <p class="soft">A large body from <code>/download</code>: the function writes as fast as you read, and no faster.
        <span id="rate" class="number" role="status"></span></p>
        <progress id="amount" max="67108864" value="0" aria-label="Bytes fetched"></progress>
        </div>
        </section>
        <script>arrived();</script>

        """#
}
