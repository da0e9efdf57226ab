extension Page {
    /// Style and heading.
    static let opening = #"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Sluice – streamed and buffered, side by side</title>
        <link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' rx='7' fill='%230b7285'/%3E%3Cpath d='M7 11h18M7 16h13M7 21h8' stroke='white' stroke-width='3' stroke-linecap='round'/%3E%3C/svg%3E">
        <style>
        :root {
          --ground: #fbfaf7; --card: #ffffff; --ink: #1b1f23; --soft: #57606a; --line: #dcd9d0;
          --stream: #0b7285; --hold: #a3480f; --track: #efece4;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ground: #121619; --card: #1a2024; --ink: #e8eaec; --soft: #9aa5ad; --line: #2d363c;
            --stream: #4cc3d9; --hold: #f0a36b; --track: #252d32;
          }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0 auto; padding: 2.5rem 1.25rem 3rem; max-width: 68rem; background: var(--ground); color: var(--ink);
          font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
        }
        header { margin-bottom: 2rem; }
        h1 { margin: 0; font-size: 2.4rem; line-height: 1.15; letter-spacing: -0.02em; }
        h2 { margin: 0; font-size: 1.3rem; letter-spacing: -0.01em; }
        h3 { margin: 0; font-size: 1.05rem; }
        p { margin: .5rem 0 0; max-width: 46rem; }
        .soft, figcaption { color: var(--soft); }
        code, pre, .number { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace; font-size: .9em; }
        section { margin-top: 2.5rem; }
        .title { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; justify-content: space-between; }
        .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1.25rem; margin-top: 1rem; }
        .card { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.15rem 1.25rem; }
        .card > .title { align-items: baseline; }
        .streamed { --accent: var(--stream); }
        .buffered { --accent: var(--hold); }
        .card h3 { color: var(--accent); }
        dl { display: flex; gap: 2.25rem; margin: .75rem 0 0; }
        dt { color: var(--soft); font-size: .8rem; }
        dd { margin: 0; font-size: 1.55rem; font-weight: 600; font-variant-numeric: tabular-nums; letter-spacing: -0.02em; }
        dd.running { color: var(--soft); font-weight: 400; }
        .track { position: relative; height: .6rem; margin-top: .9rem; border-radius: .3rem; background: var(--track); overflow: hidden; }
        .track i { position: absolute; top: 0; bottom: 0; width: 4px; border-radius: 2px; background: var(--accent); }
        .scale { display: flex; justify-content: space-between; margin-top: .2rem; font-size: .75rem; color: var(--soft); }
        .text { margin-top: .9rem; min-height: 31rem; font: 1.02rem/1.6 Georgia, "Iowan Old Style", "Times New Roman", serif; }
        .text p { margin: 0 0 .55rem; }
        .text .wait { color: var(--soft); font-style: italic; }
        #verdict { max-width: none; min-height: 1.55em; }
        #talk { min-height: 7rem; font: 1.1rem/1.6 Georgia, "Iowan Old Style", "Times New Roman", serif; margin: .75rem 0 0; max-width: none; }
        button {
          font: inherit; font-weight: 600; color: var(--card); background: var(--ink); border: 0; border-radius: .5rem;
          padding: .45rem 1rem; cursor: pointer;
        }
        button:disabled { opacity: .45; cursor: default; }
        button:focus-visible, a:focus-visible { outline: 3px solid var(--stream); outline-offset: 2px; }
        a { color: var(--stream); }
        pre { margin: .75rem 0 0; padding: .85rem 1rem; overflow-x: auto; border-radius: .5rem; background: var(--track); white-space: pre; }
        progress { width: 100%; height: .6rem; margin-top: .9rem; accent-color: var(--stream); }
        footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); }
        .arrivals { --accent: var(--stream); max-width: 28rem; margin: 1.1rem 0 0; }
        @media (prefers-reduced-motion: no-preference) {
          .text p, .track i { animation: arrive .35s ease-out; }
          @keyframes arrive { from { opacity: 0; } }
        }
        </style>
        <script>
        // Each piece of the page notes when it was there.
        const arrivals = [];
        function arrived() { arrivals.push(performance.now()); }
        arrived();
        </script>
        </head>
        <body>
        <header>
        <h1>Every byte, in the moment in which it arrives.</h1>
        <p class="soft">Sluice is a gateway in front of AWS Lambda. It calls functions with
        <code>InvokeWithResponseStream</code> and hands on each piece of the answer at once. This page is such an answer:
        a function on this machine sends it in five pieces, over the same wire protocol that Lambda speaks.</p>
        <figure class="arrivals">
        <div class="track" id="arrivals" role="img" aria-label="When the pieces of this page arrived"></div>
        <figcaption class="scale"><span id="arrival-text">The pieces of this page, as they arrive</span></figcaption>
        </figure>
        </header>
        <main>

        """#
}
