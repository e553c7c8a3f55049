"""Compares what test_mime has converted (DIR/*.in and *.out) with Python's email package: the same parts in the same order,
the same decoded contents, the same texts in the headers of inner parts; nothing above 127 in the bodies of *.7bit.out."""
import email
import email.header
import email.policy
import pathlib
import sys

CHANGED = ("content-transfer-encoding", "mime-version", "content-type")


def contents(message):
    for part in message.walk():
        payload = None if part.is_multipart() else part.get_payload(decode=True)
        yield part.get_content_type(), part.get_filename(), payload


def words(value):
    """A header's text, decoded, with octets above ASCII read as UTF-8, blanks as one."""
    text = ""
    for octets, charset in email.header.decode_header(str(value).replace("\r\n", "")):
        if isinstance(octets, str):
            octets, charset = octets.encode("ascii", "surrogateescape"), "utf-8"
        text += octets.decode("utf-8" if charset in (None, "unknown-8bit") else charset, "surrogateescape")
    return " ".join(text.split())


def texts(message):
    """Of the inner parts: their unstructured fields."""
    for part in list(message.walk())[1:]:
        yield [words(value) for name, value in part.raw_items() if name.lower() in ("subject", "comments", "x-text")]


def check(source, result, ascii_only):
    before, after = source.read_bytes(), result.read_bytes()
    assert b"\0" not in after and b"\n" not in after.replace(b"\r\n", b"") and b"\r" not in after.replace(b"\r\n", b"")
    body = after[after.find(b"\r\n\r\n"):]
    assert not ascii_only or body.isascii(), "8-bit octets are left"
    assert all(len(line) <= 998 for line in body.split(b"\r\n")), "a long line is left"
    one = email.message_from_bytes(before, policy=email.policy.compat32)
    two = email.message_from_bytes(after, policy=email.policy.compat32)
    assert [x[0] for x in contents(one)] == [x[0] for x in contents(two)], "the parts differ"
    for index, (x, y) in enumerate(zip(contents(one), contents(two))):
        assert x[2] == y[2], f"part {index}: {x[2][:200]} became {y[2][:200]}"
    if ascii_only:
        for x, y in zip(texts(one), texts(two)):
            assert x == y, f"{x} became {y}"
    top = [(n, v) for n, v in one.raw_items() if n.lower() not in CHANGED]
    kept = [(n, v) for n, v in two.raw_items() if n.lower() not in CHANGED]
    unfold = lambda fields: [(n, str(v).replace("\r\n", "")) for n, v in fields]
    assert unfold(top) == unfold(kept), "the message's own header differs"


def main():
    sources = sorted(pathlib.Path(sys.argv[1]).glob("*.in"))
    for source in sources:
        result = source.with_suffix(".out")
        try:
            check(source, result, source.stem.endswith(".7bit"))
        except Exception as error:
            sys.exit(f"{source.name}: {type(error).__name__}: {error}\n{source.read_bytes()[:1500]}\n"
                     f"{result.read_bytes()[:1500]}")
    if not sources:
        sys.exit("no messages")
    print(f"{len(sources)} conversions read")


main()
