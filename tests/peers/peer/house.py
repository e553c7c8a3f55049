"""One Postfix, with Dovecot as the judge of its logins, for all tests of a run: starting one takes seconds. Each of its listeners is
another kind of server. Tests use recipients of their own, in "house.test", so that they do not meet each other's letters.

| listener | what it is |
|---|---|
| (port) | a receiving host with all extensions, STARTTLS among them, and the certificate of mx.house.test |
| old | a receiving host that offers nothing at all |
| small | one that takes at most 4,000 octets |
| plain, login, cram-md5, scram-sha-1, scram-sha-256 | smart hosts that know that mechanism only, after STARTTLS, as smarthost.test |
| smtps | a smart host with implicit TLS |
| wrong-name, unknown-ca | smart hosts whose certificate is for another name, or from a CA that nobody knows |
| clear | a smart host that offers logins and no TLS |

What it sends itself goes to facteurd on `facteurd_port`, by STARTTLS; only for far.test, to which it relays for who has logged in, it
goes nowhere.
"""
from peer.common import free_port
from peer.mta import DovecotLogins, Postfix

USER, PASSWORD = "relay-user", "canary; # of the smart host"
MECHANISMS = ("plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256")
SILENT = "pipelining, 8bitmime, smtputf8, dsn, chunking, starttls, enhancedstatuscodes, size, etrn, vrfy"


class House(Postfix):
    def __init__(self, folder, ca, other_ca):
        self.logins = DovecotLogins(folder / "dovecot", {USER: PASSWORD})
        self.facteurd_port = free_port()
        self.own_certificate = ca.issue("mta.facteur.test")  # what it demands of facteurd
        for_logins = {**self.logins.settings(), "smtpd_tls_security_level": "may", "smtpd_tls_auth_only": "yes",
                      "smtpd_relay_restrictions": "permit_sasl_authenticated, reject_unauth_destination",
                      "smtpd_recipient_restrictions": ""}
        named, otherwise = ca.issue("smarthost.test"), ca.issue("else.test")
        unknown = other_ca.issue("smarthost.test")
        services = {"old": {"smtpd_discard_ehlo_keywords": SILENT}, "small": {"message_size_limit": "4000"}}
        for mechanism in MECHANISMS:
            services[mechanism] = {**for_logins, **files(*named), "smtpd_sasl_mechanism_filter": mechanism}
        services["smtps"] = {**for_logins, **files(*named), "smtpd_tls_wrappermode": "yes"}
        services["wrong-name"] = {**for_logins, **files(*otherwise)}
        services["unknown-ca"] = {**for_logins, **files(*unknown)}
        services["clear"] = {**for_logins, "smtpd_tls_auth_only": "no", "smtpd_tls_security_level": "none"}
        hop = f"[127.0.0.1]:{self.facteurd_port}"
        super().__init__(
            folder / "postfix", name="mx.house.test", domains=["house.test"], relay=hop, services=services, **files(*ca.issue("mx.house.test")),
            smtpd_tls_security_level="may", smtpd_tls_received_header="yes", smtp_tls_CAfile=ca.certificate,
            transport_maps="inline:{ { far.test = discard: } }", smtp_tls_loglevel="1",
            smtp_tls_policy_maps=f"inline:{{ {{ {hop} = verify match=mta.facteur.test }} }}",
            smtp_destination_recipient_limit="50", smtpd_error_sleep_time="0")

    def heard(self, listener):
        """What each session at this listener consisted of, as Postfix counts commands at its end: "ehlo=1 starttls=1 quit=1 commands=3"."""
        return self.wait_log(rf"postfix/{listener}/smtpd\[\d+\]: disconnect from \S+ (.*)")

    def stop(self):
        super().stop()
        self.logins.stop()


def files(certificate, key):
    return {"smtpd_tls_cert_file": certificate, "smtpd_tls_key_file": key}
