/* Rows of admin/ and of the command line. Included by base/text_rows.h only, hence no guard. */

TEXT(NEXT_STEP_TRIED, "It is tried again at {time}.", "Nouvelle tentative à {time}.")
TEXT(NEXT_STEP_HELD, "It is held until 'facteur queue release'.", "Il est retenu jusqu’à « facteur queue release ».")
TEXT(NEXT_STEP_BAD, "It is in the bad queue and is not tried again by itself; 'facteur queue retry' gives it a new life.",
     "Il est dans la file des messages erronés et n’est plus tenté de lui-même ; « facteur queue retry » le relance.")
TEXT(REMEDY_WHY_DNS, "Check the spelling of the domain, and with 'dig MX' that its name servers answer.",
     "Vérifiez l’orthographe du domaine, et avec « dig MX » que ses serveurs de noms répondent.")
TEXT(REMEDY_WHY_SMARTHOST, "Check Delivery.SmartHost with 'facteur relay test'.",
     "Vérifiez Delivery.SmartHost avec « facteur relay test ».")
TEXT(REMEDY_WHY_RETRY, "Nothing has to be done: it is tried again by itself; 'facteur queue retry' tries it at once.",
     "Rien à faire : la relance est automatique ; « facteur queue retry » relance tout de suite.")
TEXT(IF_RCPT_5XX, "the first host refuses the recipient for good (5xx)", "le premier hôte refuse définitivement le destinataire (5XX)")
TEXT(IF_RCPT_4XX, "the first host refuses the recipient for now (4xx)", "le premier hôte refuse provisoirement le destinataire (4XX)")
TEXT(IF_BANNER_5XX, "the first host refuses the session (5xx in its greeting)", "le premier hôte refuse la session (5XX à l’accueil)")
TEXT(IF_UNREACHABLE, "no such host can be reached", "aucun de ces hôtes n’est joignable")
TEXT(IF_NONE, "the smart host cannot be reached either", "l’hôte de relais n’est pas joignable non plus")
TEXT(IF_NOW, "the name servers go on answering like this", "les serveurs de noms continuent de répondre ainsi")
TEXT(THEN_SMARTHOST, "the smart host is tried", "l’hôte de relais est essayé")
TEXT(THEN_NEXT_HOST, "the next host is tried", "l’hôte suivant est essayé")
TEXT(THEN_BOUNCE, "the letter is returned to its sender", "la lettre est renvoyée à l’expéditeur")
TEXT(THEN_HOLD, "the letter is held", "la lettre est mise en attente")
TEXT(THEN_RETRY, "the letter waits and is tried again", "la lettre attend et sera relancée")
TEXT(CONTROL_WRONG, "That is no request of this protocol; is this facteur of the same version as facteurd?",
     "Ce n’est pas une requête de ce protocole ; ce facteur est-il de la même version que facteurd ?")
TEXT(CONTROL_BUSY, "Too many requests at a time; try again.", "Trop de requêtes à la fois ; réessayez.")
TEXT(CONTROL_NO_SUCH, "There is no such message or queue.", "Il n’y a ni message ni file de ce nom.")
TEXT(CONTROL_NO_ADDRESS, "That is no mail address.", "Ce n’est pas une adresse de courrier.")
TEXT(CONTROL_NOT_READ, "The disk could not be read; see the alerts of 'facteur status'.",
     "Lecture du disque impossible ; voyez les alertes de « facteur status ».")
TEXT(CONTROL_RELOAD_REFUSED, "The configuration is refused; the running one stays.",
     "La configuration est refusée ; celle en cours reste en vigueur.")
TEXT(CLIENT_NO_SERVER, "facteurd does not answer at {path} ({error}); is it running, and may this user speak to it?",
     "facteurd ne répond pas à {path} ({error}) ; tourne-t-il, et cet utilisateur a-t-il le droit de lui parler ?")
TEXT(CLIENT_LOST, "the connection to facteurd was lost", "la connexion à facteurd est perdue")
TEXT(CLIENT_SAVED, "saved; no server runs, it is in force at the next start",
     "enregistré ; aucun serveur ne tourne, ce sera en vigueur au prochain démarrage")
TEXT(CLIENT_CONFIRM, "This concerns {count} messages. Go on (y)?", "Cela concerne {count} messages. Continuer (o) ?")
TEXT(PRINT_MODE, "mode", "mode")
TEXT(PRINT_EMPTY, "Nothing waits.", "Rien n’attend.")
TEXT(PRINT_LOCAL, "It is delivered to a mailbox here.", "Il est distribué dans une boîte d’ici.")
TEXT(PRINT_CONSEQUENCE, "If {if}: {then}", "Si {if} : {then}")
TEXT(PRINT_DEFAULT, "the default", "valeur par défaut")
TEXT(PRINT_RELAY_OK, "The smart host can be used.", "L’hôte de relais est utilisable.")

/* ---- what happened: words of `log`, `history` and `why` ---- */
TEXT(EVENT_SESSION_OPENED, "connected", "connexion")
TEXT(EVENT_SESSION_CLOSED, "disconnected", "déconnexion")
TEXT(EVENT_SESSION_REFUSED, "session refused", "session refusée")
TEXT(EVENT_SESSION_BROKEN, "session broken off", "session interrompue")
TEXT(EVENT_LOGIN, "login", "identification")
TEXT(EVENT_LOGIN_FAILED, "login failed", "échec d’identification")
TEXT(EVENT_REJECTED, "refused", "refusé")
TEXT(EVENT_RECEIVED, "received", "reçu")
TEXT(EVENT_NOT_STORED, "not stored", "non enregistré")
TEXT(EVENT_ATTEMPT, "attempt", "tentative")
TEXT(EVENT_DELIVERY, "delivery", "distribution")
TEXT(EVENT_SENT, "delivered", "distribué")
TEXT(EVENT_DEFERRED, "deferred", "reporté")
TEXT(EVENT_BOUNCED, "bounced", "renvoyé à l’expéditeur")
TEXT(EVENT_EXPIRED, "given up", "abandonné")
TEXT(EVENT_HELD, "held", "mis en attente")
TEXT(EVENT_QUEUED, "moved to", "déplacé vers")
TEXT(EVENT_NOTICE, "notice", "avis")
TEXT(EVENT_REMOVED, "finished", "terminé")
TEXT(EVENT_CONTROL, "order", "ordre")
TEXT(EVENT_REST, "rests", "au repos")
TEXT(EVENT_QUARANTINED, "set aside", "mis de côté")
TEXT(EVENT_ALERT, "alert", "alerte")
TEXT(EVENT_ALERT_OVER, "alert resolved", "alerte levée")
TEXT(EVENT_STORE_TROUBLE, "disk trouble", "incident de disque")
TEXT(EVENT_STORE_STATE, "disk", "disque")
TEXT(EVENT_STARTED, "started", "démarrage")
TEXT(EVENT_CONFIG, "configuration", "configuration")
TEXT(EVENT_STOPPED, "stopped", "arrêt")
TEXT(EVENT_DROPPED, "events left out, for they were not read in time", "événements omis, faute d’avoir été lus à temps")
TEXT(EVENT_IN_DOUBT, "in doubt", "issue incertaine")

/* ---- explain ---- */
TEXT(EXPLAIN_DIRECT, "Mail for {domain} goes directly to the recipient’s mail server.",
     "Le courrier pour {domain} va directement au serveur destinataire.")
TEXT(EXPLAIN_SMARTHOST, "Mail for {domain} goes to the smart host {server}, like all outbound mail.",
     "Le courrier pour {domain} va à l’hôte de relais {server}, comme tout le courrier sortant.")
TEXT(EXPLAIN_BOTH, "Mail for {domain} goes directly to the recipient’s mail server, and to the smart host {server} if there are problems.",
     "Le courrier pour {domain} va directement au serveur destinataire, puis à l’hôte de relais {server} en cas de problème.")
TEXT(EXPLAIN_LOGIN, "At the smart host: {reason}.", "Auprès de l’hôte de relais : {reason}.")

/* ---- words of lists ---- */
TEXT(STATE_WAITING, "waiting", "en attente de relance")
TEXT(STATE_DELIVERED, "delivered", "distribué")
TEXT(STATE_BOUNCED, "bounced", "renvoyé à l’expéditeur")
TEXT(STATE_HELD, "held", "mis en attente")
TEXT(STATE_EXPIRED, "given up", "abandonné")
/* ---- the test of the smart host: {where} "host [address]:port", {said} its words, {stage}, {host} ---- */
TEXT(RELAY_NO_NAME, "The name {host} does not exist.", "Le nom {host} n’existe pas.")
TEXT(RELAY_NO_ADDRESS, "The name {host} has no address.", "Le nom {host} n’a pas d’adresse.")
TEXT(RELAY_NULL_MX, "The domain {host} says that it takes no mail.", "Le domaine {host} indique qu’il n’accepte pas de courrier.")
TEXT(RELAY_NAME_REMEDY, "Check the spelling of Delivery.SmartHost against what your provider gives as its outgoing server.",
     "Comparez Delivery.SmartHost avec le serveur d’envoi qu’indique votre fournisseur.")
TEXT(RELAY_DNS_TEMP, "The name servers give no usable answer for {host} ({said}).",
     "Les serveurs de noms ne donnent pas de réponse utilisable pour {host} ({said}).")
TEXT(RELAY_DNS_TEMP_REMEDY, "Check this machine's network and DNS.Servers; 'dig {host}' asks the same.",
     "Vérifiez le réseau de cette machine et DNS.Servers ; « dig {host} » pose la même question.")
TEXT(RELAY_OURSELVES, "{where} is this server itself.", "{where} est ce serveur lui-même.")
TEXT(RELAY_OURSELVES_REMEDY, "Name your provider's server in Delivery.SmartHost, not this one.",
     "Indiquez dans Delivery.SmartHost le serveur de votre fournisseur, non celui-ci.")
TEXT(RELAY_REFUSED, "Nothing listens at {where}.", "Rien n’écoute à {where}.")
TEXT(RELAY_REFUSED_REMEDY, "Check the port: usually 587 with STARTTLS, or 465 (smtps://).",
     "Vérifiez le port : d’ordinaire 587 avec STARTTLS, ou 465 (smtps://).")
TEXT(RELAY_UNREACHABLE, "{where} cannot be reached from here.", "{where} est injoignable d’ici.")
TEXT(RELAY_NO_CONNECTION, "{where} does not answer.", "{where} ne répond pas.")
TEXT(RELAY_UNREACHABLE_REMEDY, "Check the network and the firewalls on the way; port 25 is often blocked, 587 and 465 seldom are.",
     "Vérifiez le réseau et les pare-feu traversés ; le port 25 est souvent bloqué, 587 et 465 le sont rarement.")
TEXT(RELAY_SILENT, "{where} takes the connection and says nothing (at {stage}).",
     "{where} accepte la connexion et se tait (étape {stage}).")
TEXT(RELAY_LOST, "{where} has closed the connection (at {stage}).", "{where} a fermé la connexion (étape {stage}).")
TEXT(RELAY_PROTOCOL, "What answers at {where} does not speak SMTP in clear ({said}).",
     "Ce qui répond à {where} ne parle pas SMTP en clair ({said}).")
TEXT(RELAY_TLS_FAILED, "TLS with {where} could not be set up: {said}", "Impossible d’établir TLS avec {where} : {said}")
TEXT(RELAY_PORT_REMEDY,
     "Check the port and the way of TLS: write {host}:587 for STARTTLS, smtps://{host} for TLS from the first octet.",
     "Vérifiez le port et le mode TLS : écrivez {host}:587 pour STARTTLS, smtps://{host} pour TLS dès le premier octet.")
TEXT(RELAY_NO_TLS, "{where} offers no TLS, and it is required.", "{where} ne propose pas TLS, alors qu’il est exigé.")
TEXT(RELAY_AUTH_CLEAR, "The login would go to {where} without verified TLS, and is kept back.",
     "L’identifiant partirait vers {where} sans TLS vérifié ; il est retenu.")
TEXT(RELAY_NO_TLS_REMEDY,
     "Use the provider's port with TLS (587, or smtps://{host}). Only on a network of your own: Delivery.AllowPlaintextAuth = yes.",
     "Utilisez le port avec TLS du fournisseur (587, ou smtps://{host}). Seulement sur votre propre réseau : Delivery.AllowPlaintextAuth = yes.")
TEXT(RELAY_CERTIFICATE, "The certificate of {where} is not accepted: {said}", "Le certificat de {where} n’est pas accepté : {said}")
TEXT(RELAY_CERTIFICATE_REMEDY,
     "Write the name that is in the certificate into Delivery.SmartHost, or its issuer's certificate into TLS.CaFile.",
     "Mettez dans Delivery.SmartHost le nom qui figure au certificat, ou dans TLS.CaFile le certificat de son émetteur.")
TEXT(RELAY_NO_AUTH, "{where} offers no login that facteur can do.", "{where} ne propose aucune identification que facteur sache faire.")
TEXT(RELAY_NO_AUTH_REMEDY,
     "If this provider knows you by your address, write Delivery.SmartHostAuth = no; else ask it which port is for logins.",
     "Si ce fournisseur vous reconnaît à votre adresse, écrivez Delivery.SmartHostAuth = no ; sinon demandez-lui quel port sert à s’identifier.")
TEXT(RELAY_SECRET, "The stored password cannot be opened: it was sealed on another machine or with another key.",
     "Impossible d’ouvrir le mot de passe enregistré : il a été scellé sur une autre machine ou avec une autre clé.")
TEXT(RELAY_SECRET_REMEDY, "Store it again: facteur config set Delivery.SmartHostPassword -",
     "Enregistrez-le de nouveau : facteur config set Delivery.SmartHostPassword -")
TEXT(RELAY_LOGIN, "{where} does not accept the user name and password: {said}",
     "{where} n’accepte pas le nom d’utilisateur et le mot de passe : {said}")
TEXT(RELAY_LOGIN_REMEDY,
     "Check Delivery.SmartHostUser (often the whole mail address) and the password; where the account has two factors the provider gives a password for programs.",
     "Vérifiez Delivery.SmartHostUser (souvent l’adresse entière) et le mot de passe ; si le compte a deux facteurs, le fournisseur donne un mot de passe d’application.")
TEXT(RELAY_REPLY, "{where} refuses (at {stage}): {said}", "{where} refuse (étape {stage}) : {said}")
TEXT(RELAY_REPLY_REMEDY, "Ask the provider why it refuses this server; its answer above is what it will ask for.",
     "Demandez au fournisseur pourquoi il refuse ce serveur ; citez-lui la réponse ci-dessus.")
TEXT(RELAY_LATER_REMEDY, "The server says that this is for now only: try again in some minutes.",
     "Le serveur dit que c’est provisoire : réessayez dans quelques minutes.")
