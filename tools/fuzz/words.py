"""Words that the formats of the fuzz targets know; a mutation puts them in.

libFuzzer escapes nothing in its own dictionary, so they are given in code.
"""

JSON = (
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-0", b"null", b"true", b"false", b"0", b"-1", b"0.5", b"1e-7",
    b"9223372036854775808", b"9" * 25, b"1" * 400, b"\\ud800", b"\\u0000", b"\\\\", b'\\"', b"[" * 60, b"{}", b"[]",
    b'""', b"{", b"}", b"[", b"]", b'"', b",", b":", b'"a": ', b"}, {",
)  # fmt: skip
# Of what acts unseen, or ends something.
ANY = (
    b"\x1b[2J", b"\xff", b"\x00", b"\r", b"\n", b"\xe2\x80\xae", b"\xe2\x80\xa8", b"::error::", b"\xef\xbb\xbf",
)  # fmt: skip
TRACE = (
    b'"ph"', b'"X"', b'"B"', b'"E"', b'"i"', b'"M"', b'"s"', b'"f"', b'"ts"', b'"dur"', b'"tid"', b'"pid"', b'"args"',
    b'"correlation"', b'"External id"', b'"id"', b'"traceEvents":', b'"traceEvents": [', b"ProfilerStep#1", b"cpu_op",
    b"kernel", b"cuda_runtime", b"user_annotation", b"gpu_user_annotation", b"overhead", b'"ph": "X"', b"], ",
    b"1700000000000000", b"1e18", b'"Input Dims": [[1]]', b'"labels"',
)  # fmt: skip
RESULT = (
    b'"version"', b"2", b"1", b'"result_columns"', b'"params"', b'"result"', b'"stats_q_25"', b"[[1]]", b"[null]",
)  # fmt: skip
SESSIONS = (
    b'"format"', b'"trace"', b"..", b"/", b"+00:00", b"Z", b"'", b"0001-01-01T00:00:00+23:59", b'"cpu_s": [1]',
)  # fmt: skip
OPERATORS = (
    b'"frames"', b'"rank"', b'"detail"', b'"steps"', b'"per_step"', b'"operator"', b'"parent"', b"null,", b"-2",
)  # fmt: skip
JSON5 = (
    b"//", b"/*", b"*/", b"'", b"+", b".5", b"0x", b"\\\n", b"\\x41", b"$", b'"repo"', b'"branches"', b"null",
)  # fmt: skip
TOML = (
    b"[[ack]]", b"[tool.tbp]", b"[tool.tbp.better]", b"[tool.tbp.names]", b'"""', b"'''", b" = ", b"{", b"}", b"[",
    b"]", b"2026-12-31", b"2026-12-31T23:59:60Z", b"inf", b"nan", b"-1", b"1_0", b"1e999", b"\\u0000", b"\\ud800",
    b'"lower"', b"a.b.c.d = 1", b"[" * 60, b"# ", b"until", b"commit", b"9" * 25, b"1" * 5000,
)  # fmt: skip
PATTERNS = (
    b"(", b")", b"(?:", b"(?P<n>", b"(?=", b"(?<=", b"(?!", b"[^", b"[[", b"--", b"*", b"+", b"??", b"{2,}",
    b"{999999}", b"|", b"\\\\d", b"\\\\1", b"(?i)", b"(a+)+$", b"{n}", b"\\\\g<n>", b"(?(1)a|b)", b"\\\\N{DASH}",
    b"(?s:",
)  # fmt: skip
ARGUMENTS = (
    b"\n--config\n", b"\n--bench\n", b"\n--json", b"\n--csv", b"\n--acks\n", b"\n--results\n", b"\n--out\n", b"\n--",
    b"-", b"=", b"\n--top=", b"\n--flame\n", b"\n--help", b"\n@", b"inf", b"nan", b"-1", b"%", b"\n.", b"HEAD~1",
    b"once.json", b"\n--strict", b"\n--by\n", b"\xc3\xa9", b"1" * 400, b"9" * 5000,
)  # fmt: skip


def words(target: str) -> tuple[bytes, ...]:
    """The words of the format that a target reads."""
    json_words = {
        "trace": TRACE, "operators": TRACE, "operator-file": OPERATORS, "result": RESULT, "results-folder": RESULT,
        "sessions": SESSIONS, "configuration": JSON5,
    }  # fmt: skip
    text_words = {"policy": (*TOML, *PATTERNS), "acks": TOML, "command-line": (*ARGUMENTS, *PATTERNS)}
    return (*ANY, *(text_words[target] if target in text_words else (*JSON, *json_words.get(target, ()))))
