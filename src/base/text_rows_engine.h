/* Rows of the engine: alerts, what it adds to notices. Included by base/text_rows.h only, hence no guard. */

/* ---- alerts ---- */
TEXT(ALERT_LOGIN, "The login at the smart host is not accepted ({subject}): {said}",
     "L’hôte de relais n’accepte pas l’identifiant ({subject}) : {said}")
TEXT(ALERT_LOGIN_REMEDY,
     "Check the user name and password, and that the certificate bears the server's name; waiting mail goes as soon as it is mended.",
     "Vérifiez le nom d’utilisateur et le mot de passe, et que le certificat porte le nom du serveur ; le courrier en attente part dès que c’est corrigé.")
TEXT(ALERT_REFUSING, "The smart host has refused five messages running ({subject}): {said}. Its mail is held.",
     "L’hôte de relais a refusé cinq messages de suite ({subject}) : {said}. Son courrier est mis en attente.")
TEXT(ALERT_REFUSING_REMEDY,
     "Ask the provider of the smart host why; held mail goes on by itself once a message is accepted, or with 'facteur queue release'.",
     "Demandez la raison au fournisseur de l’hôte de relais ; le courrier retenu repart dès qu’un message est accepté, ou avec « facteur queue release ».")
TEXT(ALERT_PORT_25, "Ten destinations in ten minutes could not be reached: the outgoing port 25 seems to be blocked.",
     "Dix destinations n’ont pu être jointes en dix minutes : le port 25 sortant semble bloqué.")
TEXT(ALERT_PORT_25_REMEDY, "Ask your provider to open it, or send through a smart host (Mode = smarthost).",
     "Demandez à votre fournisseur de l’ouvrir, ou passez par un hôte de relais (Mode = smarthost).")
TEXT(ALERT_DISK_FULL, "The disk is nearly full: no new mail is accepted; what is queued goes on being delivered.",
     "Le disque est presque plein : aucun nouveau courrier n’est accepté ; celui qui est en file continue de partir.")
TEXT(ALERT_DISK_FULL_REMEDY, "Free some room on the disk of DataDir, or lower Limits.MinFree.",
     "Libérez de la place sur le disque de DataDir, ou réduisez Limits.MinFree.")
TEXT(ALERT_DISK_FAILED, "Writing to the disk of DataDir has failed; nothing that was accepted is lost.",
     "L’écriture sur le disque de DataDir a échoué ; rien de ce qui a été accepté n’est perdu.")
TEXT(ALERT_DISK_FAILED_REMEDY, "Check the disk and its cables (journalctl -k), then restart facteurd.",
     "Vérifiez le disque et ses câbles (journalctl -k), puis redémarrez facteurd.")
TEXT(ALERT_DAMAGED, "Damaged records were found on the disk; each message is named in the log, its octets are in quarantine/.",
     "Des enregistrements abîmés ont été trouvés sur le disque ; chaque message est nommé dans le journal, ses octets sont dans quarantine/.")
TEXT(ALERT_DAMAGED_REMEDY, "Check the disk; ask the senders of the named messages to send them again.",
     "Vérifiez le disque ; demandez aux expéditeurs des messages nommés de les renvoyer.")
TEXT(ALERT_DNSSEC_OFF, "The name servers asked do not pass DNSSEC on: answers are not validated and DANE is not used.",
     "Les serveurs de noms interrogés ne transmettent pas DNSSEC : les réponses ne sont pas validées et DANE n’est pas utilisé.")
TEXT(ALERT_DNSSEC_OFF_REMEDY, "Name a validating resolver in DNS.Servers (unbound on this machine, for instance), or do without.",
     "Indiquez dans DNS.Servers un résolveur qui valide (unbound sur cette machine, par exemple), ou faites sans.")

/* ---- notices: what the engine adds ---- */
TEXT(BOUNCE_LOCAL_CAUSE,
     "The cause lies with the sending server's own access to its relay, not with the recipient; its administrator has been alerted.",
     "La cause tient à l’accès du serveur d’envoi à son propre relais, non au destinataire ; son administrateur est alerté.")

/* ---- files and start ---- */
TEXT(WRONG_FILE_UNREADABLE, "{path} cannot be read ({error})", "impossible de lire {path} ({error})")
TEXT(REMEDY_FILE_UNREADABLE, "give the right path, or let the user of facteurd read it",
     "indiquez le bon chemin, ou donnez le droit de lecture à l’utilisateur de facteurd")
TEXT(WRONG_NEEDS_RESTART, "cannot be changed while facteurd runs", "ne peut pas être changé pendant que facteurd tourne")
TEXT(REMEDY_NEEDS_RESTART, "restart facteurd, or give the value back that it had",
     "redémarrez facteurd, ou remettez la valeur précédente")
TEXT(WRONG_LISTENER, "cannot be opened: {reason}", "impossible à ouvrir : {reason}")
TEXT(REMEDY_LISTENER,
     "stop what listens there, or write another address or port; only root may open ports below 1024; a wider or narrower address on the same port needs a restart",
     "arrêtez ce qui y écoute, ou indiquez une autre adresse ou un autre port ; seul root ouvre les ports inférieurs à 1024 ; une adresse plus large ou plus étroite sur le même port demande un redémarrage")
