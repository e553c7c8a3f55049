/* What each key of facteur.ini is for: what it does, when one uses it, what it costs. KEY_<ID> of config/schema_rows.h; shown
 * by the manual page, the command line and the web form. Included by base/text_rows.h. */

/* ---- [Server] ---- */
TEXT(KEY_SERVER_NAME,
     "The full name of this machine. It is said in HELO and EHLO and stands in Received fields and notices. It has "
     "to be a name that other servers can look up and that leads back to this machine’s address, or many of them "
     "refuse its mail. It must be given.",
     "Le nom complet de cette machine. Il est annoncé dans HELO et EHLO et figure dans les champs Received et les "
     "avis. Il doit pouvoir être résolu par les autres serveurs et mener à l’adresse de cette machine, sinon "
     "beaucoup refusent son courrier. Il faut l’indiquer.")
TEXT(KEY_SERVER_DATA_DIR,
     "The folder that holds everything durable: queue, mail, accounts, keys, and the control socket. It belongs to "
     "the user that facteur runs as and lies on a local disk. Changing it means moving the folder while facteur is "
     "stopped.",
     "Le dossier de tout ce qui est durable : file, courrier, comptes, clés, et le socket de contrôle. Il appartient "
     "à l’utilisateur de facteur et se trouve sur un disque local. Pour en changer, déplacez le dossier pendant que "
     "facteur est arrêté.")
TEXT(KEY_SERVER_POSTMASTER,
     "Where mail for the postmaster of this server goes, and alerts and notices that concern the administrator. "
     "Empty: postmaster at Name. Choose an address that somebody reads; if its domain is local the mail is kept even "
     "without an account.",
     "L’adresse du postmaster de ce serveur, qui reçoit aussi les alertes et les avis destinés à l’administrateur. "
     "Vide : postmaster chez Name. Choisissez une adresse que quelqu’un lit ; si son domaine est local, le courrier "
     "est conservé même sans compte.")
TEXT(KEY_SERVER_LANGUAGE,
     "The language of notices and alerts that facteur sends: en or fr. The command line follows LANG, the pages "
     "follow the browser.",
     "La langue des avis et des alertes envoyés par facteur : en ou fr. La ligne de commande suit LANG, les pages "
     "suivent le navigateur.")
TEXT(KEY_SERVER_ADMINS,
     "System users, besides root and the one that facteur runs as, who may use the control socket, and so the whole "
     "of the facteur command. Whoever is named here can read the queue and change the configuration.",
     "Les utilisateurs du système, en plus de root et de celui de facteur, qui peuvent utiliser le socket de "
     "contrôle, donc toute la commande facteur. Quiconque est nommé ici peut lire la file et modifier la "
     "configuration.")

/* ---- [Listen] ---- */
TEXT(KEY_LISTEN_RELAY,
     "Addresses and ports, separated by blanks, on which other servers and programs hand in mail (SMTP). Port 25 of "
     "a public address takes mail from outside for the local domains. Empty: nothing is listened on for this.",
     "Les adresses et ports, séparés par des espaces, sur lesquels d’autres serveurs et programmes remettent du "
     "courrier (SMTP). Le port 25 d’une adresse publique reçoit de l’extérieur le courrier des domaines locaux. "
     "Vide : aucune écoute de ce type.")
TEXT(KEY_LISTEN_SUBMISSION,
     "Addresses and ports on which mail programs send with a login, TLS by STARTTLS; by custom port 587. Use it for "
     "people with accounts here. Empty: nothing is listened on for this.",
     "Les adresses et ports sur lesquels les logiciels de messagerie envoient avec un identifiant, TLS par "
     "STARTTLS ; d’ordinaire le port 587. Pour les personnes ayant un compte ici. Vide : aucune écoute de ce type.")
TEXT(KEY_LISTEN_SUBMISSIONS,
     "As Submission, but with TLS from the first octet; by custom port 465. To be preferred where the mail programs "
     "can do it. Empty: nothing is listened on for this.",
     "Comme Submission, mais en TLS dès le premier octet ; d’ordinaire le port 465. À préférer quand les logiciels "
     "de messagerie le permettent. Vide : aucune écoute de ce type.")

/* ---- [Relay] ---- */
TEXT(KEY_RELAY_NETWORKS,
     "Networks whose machines may send to anybody without a login. Name only machines that you answer for: whatever "
     "breaks into one of them sends in your name. Everybody else reaches local addresses only, or logs in.",
     "Les réseaux dont les machines peuvent envoyer à tout le monde sans identification. Ne nommez que des machines "
     "dont vous répondez : quiconque pénètre l’une d’elles envoie en votre nom. Les autres n’atteignent que les "
     "adresses locales, ou s’identifient.")

/* ---- [Domains] ---- */
TEXT(KEY_DOMAINS_LOCAL,
     "Domains whose mail is delivered into mailboxes here, separated by blanks. An address in them without an "
     "account is refused at once. An account of another domain can send, and receives nothing here.",
     "Les domaines dont le courrier est distribué dans des boîtes d’ici, séparés par des espaces. Une adresse sans "
     "compte y est refusée aussitôt. Un compte d’un autre domaine peut envoyer, et ne reçoit rien ici.")

/* ---- [Delivery] ---- */
TEXT(KEY_DELIVERY_MODE,
     "How mail for other servers leaves. direct: to the recipient’s own server, found through DNS; needs an open "
     "port 25 and an address of good repute. smarthost: all of it to SmartHost; for connections whose provider "
     "blocks port 25 or whose address others do not trust. direct-then-smarthost: directly, and through SmartHost "
     "where no server of the recipient can be reached.",
     "Comment part le courrier destiné à d’autres serveurs. direct : vers le serveur du destinataire, trouvé par le "
     "DNS ; il faut le port 25 ouvert et une adresse de bonne réputation. smarthost : tout vers SmartHost ; quand le "
     "fournisseur bloque le port 25 ou que les autres se méfient de l’adresse. direct-then-smarthost : directement, "
     "puis par SmartHost quand aucun serveur du destinataire n’est joignable.")
TEXT(KEY_DELIVERY_SMARTHOST,
     "The server that takes mail in the modes smarthost and direct-then-smarthost. A bare name is looked up as MX, "
     "then as A and AAAA; with a port, a login, or in brackets only as A and AAAA. An address and [IPv6] are "
     "possible, each with :port; smtps:// in front or port 465 means TLS from the first octet. Without a port: 587 "
     "with a login, else 25. Its certificate must bear the name as it is written here.",
     "Le serveur qui reçoit le courrier dans les modes smarthost et direct-then-smarthost. Un nom seul est cherché "
     "comme MX, puis A et AAAA ; avec un port, un identifiant ou entre crochets, seulement A et AAAA. Une adresse et "
     "[IPv6] sont possibles, chacune avec :port ; précédé de smtps://, ou avec le port 465, TLS commence dès le "
     "premier octet. Sans port : 587 avec un identifiant, sinon 25. Son certificat doit porter le nom tel qu’il est "
     "écrit ici.")
TEXT(KEY_DELIVERY_SMARTHOST_AUTH,
     "Whether the server demands a login. With yes, mail is never sent to it without one; when the login is refused, "
     "mail waits and an alert says so. It needs SmartHostUser and SmartHostPassword, or PerAccountAuth.",
     "Indique si le serveur exige une identification. Avec yes, rien ne lui est envoyé sans identifiants ; s’ils "
     "sont refusés, le courrier attend et une alerte le signale. Il faut SmartHostUser et SmartHostPassword, ou "
     "PerAccountAuth.")
TEXT(KEY_DELIVERY_SMARTHOST_USER,
     "The user name of the general login at the server, as its provider gave it; often a whole mail address.",
     "Le nom d’utilisateur des identifiants généraux auprès du serveur, tel que le fournisseur l’a donné ; souvent "
     "une adresse complète.")
TEXT(KEY_DELIVERY_SMARTHOST_PASSWORD,
     "The password of the general login. It may be written as it is, as file:PATH (the first line of that file), or "
     "as the sealed value that the pages and “facteur config set” write, which only this server can open. It is "
     "never shown again.",
     "Le mot de passe des identifiants généraux. Il peut être écrit tel quel, sous la forme file:CHEMIN (la première "
     "ligne de ce fichier), ou comme la valeur scellée qu’écrivent les pages et « facteur config set », que seul ce "
     "serveur peut ouvrir. Il n’est plus jamais affiché.")
TEXT(KEY_DELIVERY_SMARTHOST_TLS,
     "TLS to the server. auto: where it is offered, and verified as soon as a login is sent. required: never in "
     "clear, and verified unless SmartHostVerifyCertificate = no. off: always in clear, for a server on this machine "
     "or on a line of your own; a login is then not sent unless AllowPlaintextAuth = yes.",
     "TLS vers le serveur. auto : s’il le propose, et vérifié dès qu’un identifiant est envoyé. required : jamais en "
     "clair, et vérifié sauf si SmartHostVerifyCertificate = no. off : toujours en clair, pour un serveur sur cette "
     "machine ou sur une ligne à vous ; aucun identifiant n’est alors envoyé sauf si AllowPlaintextAuth = yes.")
TEXT(KEY_DELIVERY_SMARTHOST_VERIFY_CERTIFICATE,
     "Whether the server’s certificate must be valid and bear its name before a login is sent. With no, whoever "
     "stands in between can pose as the server and read the password. For a certificate of your own choose yes and "
     "[TLS] CaFile instead.",
     "Indique si le certificat du serveur doit être valide et porter son nom avant l’envoi d’identifiants. Avec no, "
     "quiconque s’interpose peut se faire passer pour le serveur et lire le mot de passe. Pour un certificat à vous, "
     "choisissez plutôt yes et [TLS] CaFile.")
TEXT(KEY_DELIVERY_ALLOW_PLAINTEXT_AUTH,
     "Allows the login on a link that is not encrypted. Only for servers that have no TLS: everybody on the way can "
     "read the password and the mail.",
     "Autorise l’identification sur une liaison non chiffrée. Seulement pour les serveurs sans TLS : tous ceux qui "
     "sont sur le chemin peuvent lire le mot de passe et le courrier.")
TEXT(KEY_DELIVERY_SMARTHOST_MAX_CONNECTIONS,
     "How many connections to the server are open at a time, over all logins. Providers allow few; more make it "
     "faster only as long as the server does not object.",
     "Le nombre de connexions simultanées vers le serveur, tous identifiants confondus. Les fournisseurs en "
     "autorisent peu ; davantage n’accélère que tant que le serveur ne proteste pas.")
TEXT(KEY_DELIVERY_SMARTHOST_MESSAGES_PER_MINUTE,
     "How many messages a minute each login may send through the server; 0 sets no limit. Use it where the provider "
     "has a limit: what is above it waits here and is not refused there.",
     "Le nombre de messages par minute que chaque identifiant peut envoyer par le serveur ; 0 : pas de limite. Utile "
     "si le fournisseur en a une : le surplus attend ici au lieu d’être refusé là-bas.")
TEXT(KEY_DELIVERY_PER_ACCOUNT_AUTH,
     "Lets each account log in to the server as itself, with the smart host login stored with the account; accounts "
     "without one use the general login. Use it where the provider lets a login send in its own name only. When an "
     "account’s login is refused its mail waits, and its owner is told.",
     "Permet à chaque compte de s’identifier lui-même auprès du serveur, avec les identifiants pour l’hôte de relais "
     "enregistrés dans le compte ; les comptes sans identifiants utilisent les généraux. Utile quand le fournisseur "
     "n’accepte d’un identifiant que son propre nom. Si les identifiants d’un compte sont refusés, son courrier "
     "attend et son titulaire est prévenu.")
TEXT(KEY_DELIVERY_PER_ACCOUNT_BY_ADDRESS,
     "For mail that came in without a login from [Relay] Networks: use the login of the account whose address or "
     "alias is the sender. With no, such mail always uses the general login. Any machine of those networks can then "
     "use any account’s login by its address.",
     "Pour le courrier reçu sans identification depuis [Relay] Networks : utiliser les identifiants du compte dont "
     "l’adresse ou un alias est l’expéditeur. Avec no, ce courrier utilise toujours les identifiants généraux. Toute "
     "machine de ces réseaux peut ainsi utiliser les identifiants d’un compte par son adresse.")
TEXT(KEY_DELIVERY_ABORT_ON_RCPT_5XX,
     "Ends the delivery as soon as one recipient is refused with 5xx: no other MX host and not the smart host is "
     "tried, and the other recipients of the same transaction do not get the message either. For messages that must "
     "reach all or nobody. With the smart host all recipients share one transaction.",
     "Arrête la distribution dès qu’un destinataire est refusé par une erreur 5XX : ni un autre hôte MX ni l’hôte de "
     "relais n’est essayé, et les autres destinataires de la même transaction ne reçoivent rien non plus. Pour les "
     "messages qui doivent atteindre tout le monde ou personne. Avec l’hôte de relais, tous les destinataires "
     "partagent une transaction.")
TEXT(KEY_DELIVERY_BOUNCE_IF_NO_MX_OR_A,
     "Bounces at once when the recipient’s domain authoritatively has neither MX nor A nor AAAA, mostly a mistyped "
     "address. With no, it is retried until GiveUpDays, or goes to the smart host. With yes the smart host is not "
     "tried in direct-then-smarthost either. Failures of DNS itself never bounce at once.",
     "Renvoie aussitôt à l’expéditeur quand le domaine du destinataire n’a, de source sûre, ni MX, ni A, ni AAAA ; "
     "le plus souvent une faute de frappe. Avec no, des relances ont lieu jusqu’à GiveUpDays, ou l’hôte de relais "
     "prend le message. Avec yes, l’hôte de relais n’est pas essayé non plus dans direct-then-smarthost. Une panne "
     "du DNS ne renvoie jamais aussitôt.")
TEXT(KEY_DELIVERY_BOUNCE_ON_FIRST_5XX,
     "Bounces on the first 5xx of any MX host without asking the others. Faster for the sender; but one wrongly set "
     "up host of several is then enough for a bounce.",
     "Renvoie à l’expéditeur au premier 5XX d’un hôte MX, sans interroger les autres. Plus rapide pour "
     "l’expéditeur ; mais un seul hôte mal réglé parmi plusieurs suffit alors à refuser.")
TEXT(KEY_DELIVERY_FALLBACK_ON_TEMP_ERROR,
     "In direct-then-smarthost, when a server answers with 4xx (greylisting, too much traffic): after-remote-queue "
     "tries it directly until the message would go to the retry queue, then the smart host; at-once takes the smart "
     "host in the same attempt; never keeps to the direct way.",
     "Dans direct-then-smarthost, quand un serveur répond par 4XX (liste grise, trafic trop dense) : "
     "after-remote-queue continue en direct jusqu’au moment où le message irait dans la file de relance, puis prend "
     "l’hôte de relais ; at-once prend l’hôte de relais dans la même tentative ; never reste en direct.")
TEXT(KEY_DELIVERY_FALLBACK_ON_POLICY_REFUSAL,
     "In direct-then-smarthost, which refusals mean “not from you” and so lead to the smart host. client: those that "
     "quote our address or speak of blocklists and providers’ relays. all: every refusal of the kind X.7.x. no: none.",
     "Dans direct-then-smarthost, quels refus signifient « pas de votre part » et mènent donc à l’hôte de relais. "
     "client : ceux qui citent notre adresse, une liste noire ou le relais du fournisseur. all : tout refus du genre "
     "X.7.x. no : aucun.")
TEXT(KEY_DELIVERY_CACHE_CONNECTION_FAILURES,
     "For so many minutes an MX host that could not be reached is passed over at once; 0 remembers nothing. Saves "
     "waiting for dead hosts; a host that has just come back is found up to so much later.",
     "Pendant ce nombre de minutes, un hôte MX injoignable est sauté aussitôt ; 0 : rien n’est retenu. Évite "
     "d’attendre des hôtes morts ; un hôte qui revient est retrouvé d’autant plus tard.")
TEXT(KEY_DELIVERY_MAX_RECIPIENTS_PER_TRANSACTION,
     "How many recipients are sent in one transaction; more follow in the next. RFC 5321 lets every server take 100.",
     "Le nombre de destinataires envoyés dans une transaction ; les autres suivent dans la prochaine. D’après la RFC "
     "5321, tout serveur en accepte 100.")
TEXT(KEY_DELIVERY_ALERTS_MAY_GO_DIRECT,
     "Whether an alert about the smart host may be sent directly when no other way works. Off, because in the modes "
     "with a smart host direct mail is often not wanted; the alert then waits and shows in status and in the log.",
     "Indique si une alerte sur l’hôte de relais peut partir en direct quand aucune autre voie ne fonctionne. Non "
     "par défaut, car dans les modes avec hôte de relais l’envoi direct est souvent exclu ; l’alerte attend alors, "
     "visible dans status et dans le journal.")
TEXT(KEY_DELIVERY_REFUSAL_PHRASES_FILE,
     "A file of phrases, one a line, that mark a refusal as one of our address, besides those that facteur knows "
     "(see FallbackOnPolicyRefusal). Empty: only the known ones.",
     "Un fichier d’expressions, une par ligne, qui marquent un refus comme visant notre adresse, en plus de celles "
     "que facteur connaît (voir FallbackOnPolicyRefusal). Vide : seulement celles-ci.")

/* ---- [RetryQueue] ---- */
TEXT(KEY_RETRY_REMOTE_QUEUE,
     "Keep a message in the remote queue, where attempts are frequent, for at least so many minutes before it goes "
     "to the retry queue.",
     "Conserver un message dans la file distante, où les tentatives sont fréquentes, au moins ce nombre de minutes "
     "avant qu’il passe dans la file de relance.")
TEXT(KEY_RETRY_REMOTE_RETRY,
     "The first interval between attempts in the remote queue; it grows from one to the next, up to 15 minutes, or "
     "stays as it is if it is longer.",
     "Le premier intervalle entre les tentatives dans la file distante ; il croît d’une fois à l’autre, jusqu’à 15 "
     "minutes, ou reste tel quel s’il est plus long.")
TEXT(KEY_RETRY_DELAY_AFTER_TEMP_ERROR,
     "After a 4xx answer wait at least so many minutes before the next attempt; 0: no such wait. Greylisting refuses "
     "whoever comes back at once.",
     "Après une réponse 4XX, attendre au moins ce nombre de minutes avant la tentative suivante ; 0 : pas d’attente. "
     "Les listes grises refusent ceux qui reviennent aussitôt.")
TEXT(KEY_RETRY_RETRY,
     "Retry mail in the retry queue once in so many minutes. A destination that comes back is served at once, "
     "whatever this says.",
     "Relancer le courrier de la file de relance une fois par intervalle de ce nombre de minutes. Une destination "
     "qui revient est servie aussitôt, quelle que soit cette valeur.")
TEXT(KEY_RETRY_GIVE_UP,
     "After so many days a message that is still undeliverable is given up; 0: after the first retry. What happens "
     "then is said by the next three keys.",
     "Après ce nombre de jours, un message toujours non distribuable est abandonné ; 0 : après la première relance. "
     "Les trois clés suivantes disent ce qui se passe alors.")
TEXT(KEY_RETRY_ON_GIVE_UP_INFORM_SENDER,
     "When a message is given up: send a notice to its sender. At least one of the three must be on, so that no "
     "message vanishes.",
     "Quand un message est abandonné : envoyer un avis à l’expéditeur. Au moins une des trois clés doit être active, "
     "pour qu’aucun message ne disparaisse.")
TEXT(KEY_RETRY_ON_GIVE_UP_INFORM_POSTMASTER, "When a message is given up: send a notice to the postmaster.",
     "Quand un message est abandonné : envoyer un avis au postmaster.")
TEXT(KEY_RETRY_ON_GIVE_UP_KEEP_IN_BAD_QUEUE,
     "When a message is given up: keep it in the bad queue, where the administrator can look at it and send it "
     "again. It takes room until BadQueueDays are over.",
     "Quand un message est abandonné : le conserver dans la file des messages erronés, où l’administrateur peut "
     "l’examiner et le renvoyer. Il occupe de la place jusqu’à l’échéance de BadQueueDays.")
TEXT(KEY_RETRY_INFORM_SENDER_DELAYED, "Send one delay notice to the sender when a message enters the retry queue.",
     "Envoyer un seul avis de retard à l’expéditeur quand un message entre dans la file de relance.")
TEXT(KEY_RETRY_INFORM_SENDER_DELIVERED_AFTER_DELAY,
     "Tell a sender who got a delay notice that the message was delivered after all.",
     "Informer un expéditeur qui a reçu un avis de retard que le message a finalement été distribué.")
TEXT(KEY_RETRY_TRANSCRIPT_IN_NOTICES,
     "Put into notices what was said in the session with the other server. Helps whoever has to find out why; logins "
     "are never in it.",
     "Joindre aux avis ce qui a été dit dans la session avec l’autre serveur. Utile à qui doit comprendre pourquoi ; "
     "les identifiants n’y figurent jamais.")
TEXT(KEY_RETRY_MAX_HOPS,
     "A message with more Received fields than this goes round in circles and is bounced, with a copy in the bad "
     "queue.",
     "Un message qui a plus de champs Received que cela tourne en rond ; il est renvoyé à l’expéditeur, avec une "
     "copie dans la file des messages erronés.")
TEXT(KEY_RETRY_UNDELIVERABLE_NOTICES_TO_BAD_QUEUE,
     "Keep notices that cannot be delivered themselves in the bad queue. With no they are dropped, and the log alone "
     "says so.",
     "Conserver dans la file des messages erronés les avis qui ne peuvent être distribués. Avec no ils sont "
     "supprimés, et seul le journal le dit.")
TEXT(KEY_RETRY_BAD_QUEUE_DAYS, "How many days a message stays in the bad queue before it is removed for good.",
     "Le nombre de jours qu’un message reste dans la file des messages erronés avant d’être supprimé pour de bon.")

/* ---- [Outbound] ---- */
TEXT(KEY_OUTBOUND_PORT, "The port of MX hosts. Every server of the world listens on 25; another one is for tests.",
     "Le port des hôtes MX. Tous les serveurs du monde écoutent sur le 25 ; un autre ne sert qu’aux essais.")
TEXT(KEY_OUTBOUND_MAX_CONNECTIONS_PER_DESTINATION,
     "How many connections to one destination are open at a time. More empty a long queue faster; many servers "
     "refuse a crowd.",
     "Le nombre de connexions simultanées vers une destination. Davantage vide plus vite une longue file ; beaucoup "
     "de serveurs refusent la foule.")
TEXT(KEY_OUTBOUND_ALLOW_LOOPBACK_MX,
     "Whether MX hosts on loopback addresses count as other servers. For tests on one machine only: otherwise mail "
     "would go round in circles.",
     "Indique si les hôtes MX sur des adresses de bouclage comptent comme d’autres serveurs. Seulement pour des "
     "essais sur une seule machine : sinon le courrier tournerait en rond.")
TEXT(KEY_OUTBOUND_CONNECT_TIMEOUT,
     "How long a connection may take to be made, at most. An attempt spends 60 seconds on connecting in all, 30 in "
     "direct-then-smarthost.",
     "Le temps maximal pour établir une connexion. Une tentative y consacre 60 secondes en tout, 30 dans "
     "direct-then-smarthost.")
TEXT(KEY_OUTBOUND_BANNER_TIMEOUT,
     "How long the other server’s greeting may take. The timeouts of this section cover a whole reply; their "
     "defaults are those of RFC 5321.",
     "Le temps maximal pour le message d’accueil de l’autre serveur. Les délais de cette section couvrent une "
     "réponse entière ; leurs valeurs par défaut sont celles de la RFC 5321.")
TEXT(KEY_OUTBOUND_COMMAND_TIMEOUT, "How long the reply to a command may take.",
     "Le temps maximal pour la réponse à une commande.")
TEXT(KEY_OUTBOUND_DATA_TIMEOUT, "How long the other server may take for each block of a message.",
     "Le temps que l’autre serveur peut prendre pour chaque bloc d’un message.")
TEXT(KEY_OUTBOUND_DOT_TIMEOUT,
     "How long the reply to the end of a message may take. A short time makes duplicates: the other server may have "
     "taken the message although its reply comes late.",
     "Le temps maximal pour la réponse à la fin d’un message. Un temps court crée des doublons : l’autre serveur "
     "peut avoir pris le message même si sa réponse tarde.")
TEXT(KEY_OUTBOUND_IDLE_TIMEOUT,
     "How long a connection is kept open after a message, so that the next one for the same destination can use it. "
     "Many servers dislike idle visitors, so keep it short.",
     "Le temps pendant lequel une connexion reste ouverte après un message, pour que le suivant vers la même "
     "destination puisse s’en servir. Beaucoup de serveurs n’aiment pas les visiteurs oisifs : restez bref.")

/* ---- [Submission] ---- */
TEXT(KEY_SUBMISSION_BIND_SENDER,
     "Whether an account may send only as its address, its aliases and what --send-as allows. With no, every account "
     "can send in the name of every other.",
     "Indique si un compte ne peut envoyer qu’avec son adresse, ses alias et ce que --send-as autorise. Avec no, "
     "chaque compte peut envoyer au nom de n’importe quel autre.")

/* ---- [Inbound] ---- */
TEXT(KEY_INBOUND_COMMAND_TIMEOUT,
     "How long a client may take for its next command before the session is closed with 421.",
     "Le temps qu’un client peut prendre pour sa prochaine commande avant que la session soit fermée par 421.")
TEXT(KEY_INBOUND_DATA_TIMEOUT, "How long a client may take for each block of a message.",
     "Le temps qu’un client peut prendre pour chaque bloc d’un message.")
TEXT(KEY_INBOUND_TRANSACTION_TIMEOUT, "How long one transaction may take in all, however steadily its octets drip in.",
     "Le temps que peut durer une transaction en tout, même si ses octets arrivent au compte-gouttes.")

/* ---- [Limits] ---- */
TEXT(KEY_LIMITS_MAX_MESSAGE_SIZE,
     "The largest message that is taken, in octets or with k or M. A larger one is refused with 552. Messages are "
     "streamed, so a high limit costs disk, not memory.",
     "La taille maximale d’un message accepté, en octets ou avec k ou M. Un plus grand est refusé par 552. Les "
     "messages passent au fil de l’eau : une limite élevée coûte du disque, pas de mémoire.")
TEXT(KEY_LIMITS_MAX_RECIPIENTS,
     "How many recipients a transaction may have; those above it get 452 and are sent in another one.",
     "Le nombre de destinataires par transaction ; ceux en plus reçoivent 452 et passent dans une autre.")
TEXT(KEY_LIMITS_MAX_ERRORS, "After so many wrong commands or refused recipients a session is closed with 421.",
     "Après ce nombre de commandes fausses ou de destinataires refusés, une session est fermée par 421.")
TEXT(KEY_LIMITS_MAX_FAILED_LOGINS, "After so many failed logins a session is closed with 421.",
     "Après ce nombre d’identifications manquées, une session est fermée par 421.")
TEXT(KEY_LIMITS_MAX_SESSIONS_PER_ADDRESS,
     "How many sessions one address may have open at a time; those above it get 421.",
     "Le nombre de sessions simultanées pour une même adresse ; celles en plus reçoivent 421.")
TEXT(KEY_LIMITS_MAX_SESSIONS,
     "How many sessions may be open at a time in all. Each idle one costs up to 4 KiB, besides TLS.",
     "Le nombre total de sessions simultanées. Chacune, au repos, coûte jusqu’à 4 Kio, sans compter TLS.")
TEXT(KEY_LIMITS_BODY_MEMORY,
     "Memory for bodies of messages that have just come in, so that their first attempt reads nothing from disk; 0 "
     "keeps none.",
     "La mémoire pour les corps des messages qui viennent d’arriver, afin que leur première tentative ne lise rien "
     "sur le disque ; 0 : aucune.")
TEXT(KEY_LIMITS_MIN_FREE,
     "When less than this is free on the disk of DataDir, no new mail is taken (452) until there is room again. Mail "
     "that is here goes on being delivered.",
     "Quand il reste moins que cela sur le disque de DataDir, aucun nouveau courrier n’est accepté (452) jusqu’à ce "
     "qu’il y ait de la place. Le courrier présent continue d’être distribué.")
TEXT(KEY_LIMITS_SEGMENT_SIZE,
     "Size of the journal’s files in DataDir/segments. At least three of them are there at any time: a small disk wants them "
     "small. In force after the next start; files of another size are used up.",
     "La taille des fichiers du journal dans DataDir/segments. Il y en a toujours au moins trois : sur un petit disque, "
     "mieux vaut les garder petits. En vigueur au prochain démarrage ; les fichiers d’une autre taille sont épuisés.")
TEXT(KEY_LIMITS_HISTORY_DAYS,
     "How many days the history of finished messages is kept, for “facteur history” and the pages; 0 keeps none.",
     "Le nombre de jours de conservation de l’historique des messages terminés, pour « facteur history » et les "
     "pages ; 0 : aucun.")
TEXT(KEY_LIMITS_HISTORY_SIZE, "How large the history may become on disk; the oldest goes first.",
     "La taille maximale de l’historique sur le disque ; le plus ancien part en premier.")

/* ---- [TlsPolicy] ---- */
TEXT(KEY_TLS_POLICY,
     "One line a domain, “dest.example = required”: what is demanded of the link to its servers. off: nothing (TLS "
     "is used where it is offered). required: encrypted, or not at all. verified: with a valid certificate that "
     "bears the MX host’s name besides. “* =” holds for all domains without a line of their own. Where a demand is "
     "not met, mail waits and is returned when its time is up.",
     "Une ligne par domaine, « dest.example = required » : ce qui est exigé de la liaison avec ses serveurs. off : "
     "rien (TLS sert s’il est proposé). required : chiffrée, ou pas du tout. verified : avec en plus un certificat "
     "valide au nom de l’hôte MX. « * = » vaut pour tous les domaines sans ligne propre. Si l’exigence n’est pas "
     "satisfaite, le courrier attend, puis revient à l’échéance.")

/* ---- [DNS] ---- */
TEXT(KEY_DNS_TIMEOUT, "A lookup without an answer by then is a temporary failure.",
     "Une recherche restée sans réponse à ce terme est un échec temporaire.")
TEXT(KEY_DNS_SERVERS,
     "The resolvers to ask, separated by blanks, each with @port if it is not 53. Empty: the system’s. Choose one on "
     "this machine that validates DNSSEC where DANE matters.",
     "Les résolveurs à interroger, séparés par des espaces, chacun avec @port si ce n’est pas 53. Vide : ceux du "
     "système. Choisissez-en un sur cette machine qui valide DNSSEC si DANE compte pour vous.")
TEXT(KEY_DNS_TRUST_ANCHOR_FILE,
     "A file of DS or DNSKEY records to begin DNSSEC validation with. Empty: the root’s, as Debian’s dns-root-data "
     "has them, when it is installed.",
     "Un fichier d’enregistrements DS ou DNSKEY où commence la validation DNSSEC. Vide : ceux de la racine, fournis "
     "par le paquet Debian dns-root-data, s’il est installé.")

/* ---- [TLS] ---- */
TEXT(KEY_TLS_CERTIFICATE,
     "The file with this server’s certificate and its chain (PEM), shown to clients. Empty: a self-signed one is "
     "made at the first start; mail programs then ask their users whether to trust it.",
     "Le fichier du certificat de ce serveur avec sa chaîne (PEM), présenté aux clients. Vide : un certificat "
     "auto-signé est créé au premier démarrage ; les logiciels de messagerie demandent alors s’il faut s’y fier.")
TEXT(KEY_TLS_KEY, "The file with the key of that certificate (PEM), readable for facteur only.",
     "Le fichier de la clé de ce certificat (PEM), lisible par facteur seul.")
TEXT(KEY_TLS_CA_FILE,
     "The file with the certificates (PEM) that other servers’ certificates are verified against. Empty: the "
     "system’s. For a smart host with a certificate of your own.",
     "Le fichier des certificats (PEM) qui servent à vérifier ceux des autres serveurs. Vide : ceux du système. Pour "
     "un hôte de relais dont le certificat vient de vous.")

/* ---- [Web] ---- */
TEXT(KEY_WEB_LISTEN,
     "Addresses and ports of the administration pages. Keep to loopback and reach it by ssh -L, or put a server with "
     "TLS in front. Empty: no pages.",
     "Les adresses et ports des pages d’administration. Restez sur le bouclage et passez par ssh -L, ou placez "
     "devant un serveur avec TLS. Vide : pas de pages.")
TEXT(KEY_WEB_METRICS_NETWORKS,
     "Networks that may read /metrics without a login. It tells how much mail goes where, no contents.",
     "Les réseaux qui peuvent lire /metrics sans identification. On y voit combien de courrier va où, pas son "
     "contenu.")

/* ---- of a later version ---- */
TEXT(KEY_DELIVERY_SMARTHOST_AUTH_METHOD, "How the login at the server proves itself. This version has password only.",
     "Comment l’identification auprès du serveur se prouve. Cette version ne connaît que password.")
TEXT(KEY_DELIVERY_OAUTH_PROVIDER, "The provider for a login by OAuth. Not available in this version.",
     "Le fournisseur pour une identification par OAuth. Pas disponible dans cette version.")
TEXT(KEY_DELIVERY_OAUTH_TENANT, "The organisation’s identifier at Microsoft for OAuth. Not available in this version.",
     "L’identifiant de l’organisation chez Microsoft pour OAuth. Pas disponible dans cette version.")
TEXT(KEY_DELIVERY_OAUTH_CLIENT_ID, "The application’s identifier for OAuth. Not available in this version.",
     "L’identifiant de l’application pour OAuth. Pas disponible dans cette version.")
TEXT(KEY_DELIVERY_OAUTH_CLIENT_SECRET, "The application’s secret for OAuth. Not available in this version.",
     "Le secret de l’application pour OAuth. Pas disponible dans cette version.")
TEXT(KEY_DELIVERY_OAUTH_REFRESH_TOKEN, "The refresh token for OAuth. Not available in this version.",
     "Le jeton de renouvellement pour OAuth. Pas disponible dans cette version.")
TEXT(KEY_DELIVERY_OAUTH_TOKEN_URL, "Where tokens for OAuth are fetched. Not available in this version.",
     "L’adresse où les jetons OAuth sont obtenus. Pas disponible dans cette version.")
TEXT(KEY_DELIVERY_OAUTH_DEVICE_URL, "Where a device code for OAuth is fetched. Not available in this version.",
     "L’adresse où un code d’appareil OAuth est obtenu. Pas disponible dans cette version.")
TEXT(KEY_DELIVERY_OAUTH_SCOPE, "What the token for OAuth is asked for. Not available in this version.",
     "Ce pour quoi le jeton OAuth est demandé. Pas disponible dans cette version.")
TEXT(KEY_DELIVERY_OAUTH_FLOW, "How the first token for OAuth is got. Not available in this version.",
     "Comment le premier jeton OAuth est obtenu. Pas disponible dans cette version.")
TEXT(KEY_DELIVERY_POP_CHECK,
     "A POP3 login before a session with the server, for providers that demand it. Not available in this version.",
     "Une vérification POP avant une session avec le serveur, pour les fournisseurs qui l’exigent. Pas disponible "
     "dans cette version.")
TEXT(KEY_DELIVERY_POP_HOST, "The POP3 server of that check; empty: the smart host. Not available in this version.",
     "Le serveur POP3 de cette vérification ; vide : l’hôte de relais. Pas disponible dans cette version.")
TEXT(KEY_DELIVERY_POP_USER, "The user name of that check. Not available in this version.",
     "Le nom d’utilisateur de cette vérification. Pas disponible dans cette version.")
TEXT(KEY_DELIVERY_POP_PASSWORD, "The password of that check. Not available in this version.",
     "Le mot de passe de cette vérification. Pas disponible dans cette version.")
TEXT(KEY_DELIVERY_POP_TLS, "TLS of that check. This version has auto only.",
     "TLS de cette vérification. Cette version ne connaît que auto.")
TEXT(KEY_DELIVERY_POP_ALLOW_PLAINTEXT_AUTH,
     "Allows that check on a link that is not encrypted. Not available in this version.",
     "Autorise cette vérification sur une liaison non chiffrée. Pas disponible dans cette version.")
TEXT(KEY_DELIVERY_POP_CHECK_MINUTES, "For how many minutes that check is good. This version has 5 only.",
     "Le nombre de minutes de validité de cette vérification. Cette version ne connaît que 5.")
TEXT(KEY_AUTH_ISP_AUTH_USE_PASSWORDS,
     "Passes the passwords of local accounts to the smart host, which is strongly discouraged: a password that is "
     "changed here and not there makes the login fail. Not available in this version.",
     "Transmet les mots de passe des comptes locaux à l’hôte de relais, ce qui est fortement déconseillé : un mot de "
     "passe changé ici et pas là-bas fait échouer l’identification. Pas disponible dans cette version.")

/* ---- the manual page around them ---- */
TEXT(MANUAL_TITLE, "the configuration of facteur", "la configuration de facteur")
TEXT(MANUAL_SECTION_NAME, "NAME", "NOM")
TEXT(MANUAL_SECTION_DESCRIPTION, "DESCRIPTION", "DESCRIPTION")
TEXT(MANUAL_SECTION_FORM, "FORM", "FORME")
TEXT(MANUAL_SECTION_KEYS, "SECTIONS AND KEYS", "SECTIONS ET CLÉS")
TEXT(MANUAL_SECTION_LATER, "KEYS OF LATER VERSIONS", "CLÉS DE VERSIONS ULTÉRIEURES")
TEXT(MANUAL_LATER,
     "These keys are known, so that a file written for a later version is not misread: nothing but their default is "
     "accepted.",
     "Ces clés sont connues, pour qu’un fichier écrit pour une version ultérieure ne soit pas mal compris : seule "
     "leur valeur par défaut est acceptée.")
TEXT(MANUAL_DOMAIN, "domain", "domaine")
TEXT(MANUAL_SECTION_CHECKS, "CHECKING", "VÉRIFICATION")
TEXT(MANUAL_SECTION_SEE_ALSO, "SEE ALSO", "VOIR AUSSI")
TEXT(MANUAL_DESCRIPTION,
     "facteur.ini says what facteur listens on, who may relay, which domains are local, and how mail leaves. It is "
     "read at the start, and again on SIGHUP or “facteur reload”: a file with something wrong in it is refused as a "
     "whole, and the configuration in force stays. “facteur config set” and the pages change single lines and leave "
     "comments and order as they are.",
     "facteur.ini dit sur quoi facteur écoute, qui peut relayer, quels domaines sont locaux, et comment le courrier "
     "part. Il est lu au démarrage, puis à chaque SIGHUP ou « facteur reload » : un fichier contenant une erreur est "
     "refusé en entier, et la configuration en vigueur reste. « facteur config set » et les pages modifient des "
     "lignes isolées et laissent les commentaires et l’ordre tels quels.")
TEXT(MANUAL_FORM_LINES,
     "Sections in brackets, below them one key a line, “Key = value”. Names of sections and keys are the same in any "
     "case. Comments stand on lines of their own and begin with “;” or “#”. A value goes to the end of its line "
     "without the blanks around it, so a password may contain either character; in double quotes it keeps its "
     "blanks, and a double quote within is written twice.",
     "Des sections entre crochets, au-dessous une clé par ligne, « Clé = valeur ». La casse des noms de sections et "
     "de clés ne compte pas. Les commentaires occupent leurs propres lignes et commencent par « ; » ou « # ». Une "
     "valeur va jusqu’à la fin de sa ligne, sans les espaces qui l’entourent, si bien qu’un mot de passe peut "
     "contenir ces caractères ; entre guillemets droits elle garde ses espaces, et un guillemet droit s’y écrit deux "
     "fois.")
TEXT(MANUAL_FORM_VALUES,
     "Switches are yes/no, true/false, on/off or 1/0. Durations take a unit (90s, 5m, 2h, 1d); a bare number counts "
     "in the unit that the key names, and seconds where it names none. Sizes are octets, or take k, M or G. Several "
     "values in one line have blanks between them.",
     "Les interrupteurs s’écrivent yes/no, true/false, on/off ou 1/0. Les durées prennent une unité (90s, 5m, 2h, "
     "1d) ; un nombre seul compte dans l’unité que la clé nomme, en secondes si elle n’en nomme pas. Les tailles "
     "sont en octets, ou prennent k, M ou G. Plusieurs valeurs sur une ligne sont séparées par des espaces.")
TEXT(MANUAL_CHECKS,
     "“facteurd -t -c FILE” and “facteur config check” read a file without using it and tell each problem in the "
     "form {form}. Warnings are told as well and refuse nothing.",
     "« facteurd -t -c FICHIER » et « facteur config check » lisent un fichier sans l’utiliser et signalent chaque "
     "problème sous la forme {form}. Les avertissements sont signalés aussi et ne refusent rien.")
TEXT(MANUAL_DEFAULT, "Default: {default}", "Valeur par défaut : {default}")
TEXT(MANUAL_DEFAULT_EMPTY, "Default: empty", "Valeur par défaut : vide")
TEXT(MANUAL_RANGE, "From {low} to {high}.", "De {low} à {high}.")
TEXT(MANUAL_CHOICES, "One of: {names}.", "Une de ces valeurs : {names}.")
TEXT(MANUAL_UNIT_SECONDS, "A bare number counts seconds.", "Un nombre seul compte des secondes.")
TEXT(MANUAL_UNIT_MINUTES, "A bare number counts minutes.", "Un nombre seul compte des minutes.")
TEXT(MANUAL_UNIT_DAYS, "A bare number counts days.", "Un nombre seul compte des jours.")
