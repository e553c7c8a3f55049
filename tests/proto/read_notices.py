"""Reads the notices that test_dsn has written (DIR/*.eml, the original of each in *.original) with Python's email package:
a second opinion on their MIME structure and their fields. Exit status 1 and a sentence when something is wrong."""
import email
import email.policy
import pathlib
import re
import sys


def defects(message):
    found = [str(defect) for defect in message.defects]
    for name, value in message.items():
        found += [f"{name}: {defect}" for defect in getattr(value, "defects", ())]
    return found


def check(path):
    octets = path.read_bytes()
    original = path.with_suffix(".original").read_bytes()
    notice = email.message_from_bytes(octets, policy=email.policy.default)
    assert notice.get_content_type() == "multipart/report", notice.get_content_type()
    assert notice.get_param("report-type") == "delivery-status"
    for part in notice.walk():
        assert not defects(part) or part.get_content_type() == "text/rfc822-headers", defects(part)
    text, report, returned = notice.get_payload()
    assert text.get_content_type() == "text/plain"
    told = text.get_content()
    assert "{" not in told.replace("\\x{", "") and len(told.splitlines()) > 6
    language = path.stem.split("-")[-1]
    assert text["Content-Language"] == language
    sentences = re.sub(r"[ \r\n]+", " ", told)
    assert ("Attached are" in sentences) == (language == "en"), told
    assert ("pièces jointes" in sentences) == (language == "fr"), told
    if language == "fr":
        assert not re.search(r"[^\s(] [:;?!](\s|$)", told), "a plain blank before punctuation"
    assert report.get_content_type() == "message/delivery-status"
    message, *recipients = report.get_payload()
    assert message["Reporting-MTA"].startswith("dns; ")
    assert recipients
    for recipient in recipients:
        assert recipient["Final-Recipient"].split(";")[0] in ("rfc822", "utf-8")
        action, status = recipient["Action"], recipient["Status"]
        assert action in ("failed", "delayed", "delivered", "relayed"), action
        assert re.fullmatch(r"[245]\.\d{1,3}\.\d{1,3}", status), status
        assert status[0] in {"failed": "45", "delayed": "4"}.get(action, "2")
    raw = octets.split(b"\r\n--" + notice.get_boundary().encode())[3]
    header, content = raw.split(b"\r\n\r\n", 1)
    assert content == original, (content, original)
    kinds = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")
    assert returned.get_content_type() in kinds


def main():
    paths = sorted(pathlib.Path(sys.argv[1]).glob("*.eml"))
    for path in paths:
        try:
            check(path)
        except Exception as error:
            sys.exit(f"{path.name}: {type(error).__name__}: {error}")
    if not paths:
        sys.exit("no notices")
    print(f"{len(paths)} notices read")


main()
