"""Texts that could break a page, or mislead who reads it; and one dot of a picture."""

SCRIPT = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
TURNED = "\u202eTurned around\u202c \u2067isolated, never ended \u202dforced"
FORMATTED = (
    "<b>bold <i>both</i></b> <u>under</u> <s>struck</s> <code>a &lt; b</code> <tg-spoiler>secret"
    '</tg-spoiler> <a href="https://example.com/?a=1&amp;b=2">link</a> '
    '<pre><code class="language-python">print("&lt;b&gt;")</code></pre>'
    "<blockquote>quoted\ntwice</blockquote><blockquote expandable>1\n2\n3\n4\n5\n6</blockquote>end"
)
PICTURE = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS"
    b"\xde\x00\x00\x00\x0cIDATx\x9cc\xf8\xcf\xc0\x00\x00\x03\x01\x01\x00\xc9\xfe\x92\xef\x00\x00\x00"
    b"\x00IEND\xaeB`\x82"
)
