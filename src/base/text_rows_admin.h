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
