"""A notice as Python's email package reads it, held against the form of RFC 3464 and RFC 6522."""
import email
import email.policy
import re
from email.utils import parsedate_to_datetime

ORIGINALS = "message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"


class Notice:
    """text: what a person reads. report: the fields of the message. recipients: {address: fields}. returned: the part with the
    original, original: its octets."""

    def __init__(self, octets):
        self.octets = octets = octets if b"\r\n" in octets else octets.replace(b"\n", b"\r\n")  # a Maildir's line ends
        self.message = email.message_from_bytes(octets, policy=email.policy.default)
        assert not self.message.defects, self.message.defects
        assert self.message.get_content_type() == "multipart/report"
        assert self.message["Content-Type"].params["report-type"] == "delivery-status"
        text, report, self.returned = self.message.get_payload()
        assert (text.get_content_type(), report.get_content_type()) == ("text/plain", "message/delivery-status")
        assert self.returned.get_content_type() in ORIGINALS
        assert octets.isascii() or self.message["Content-Transfer-Encoding"] == "8bit"
        self.language = text["Content-Language"]
        self.text = text.get_content().replace("\r\n", "\n")
        self.sentences = re.sub(r"[ \n]+", " ", self.text)  # no-break spaces stay
        self.report, *groups = report.get_payload()
        self.recipients = {group["Final-Recipient"].partition(";")[2].strip(): group for group in groups}
        assert len(self.recipients) == len(groups) > 0
        self.original = self._part_octets(3)
        self._check_header()
        self._check_report()

    def _part_octets(self, number):
        """As they came, not as they were parsed."""
        boundary = b"\r\n--" + self.message.get_boundary().encode()
        header, content = self.octets.split(boundary)[number].split(b"\r\n\r\n", 1)
        return content

    def _check_header(self):
        header = self.message
        assert header["Auto-Submitted"] in ("auto-replied", "auto-generated")
        assert re.fullmatch(r"<[^<>@\s]+@[^<>@\s]+>", header["Message-ID"])
        assert parsedate_to_datetime(header["Date"]) is not None
        for name in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"):
            assert len(header.get_all(name)) == 1 and not header[name].defects, name

    def _check_report(self):
        assert self.report["Reporting-MTA"].startswith("dns; ")
        assert parsedate_to_datetime(self.report["Arrival-Date"]) is not None
        for group in self.recipients.values():
            classes = {"failed": "45", "delayed": "4", "delivered": "2", "relayed": "2"}[group["Action"]]
            assert re.fullmatch(rf"[{classes}]\.\d{{1,3}}\.\d{{1,3}}", group["Status"]), group["Status"]
            assert group["Last-Attempt-Date"] is None or parsedate_to_datetime(group["Last-Attempt-Date"])

    def __getitem__(self, name):
        return self.message[name]

    def has(self, sentence):
        """In the text, however it is broken into lines."""
        return sentence in self.sentences
