/* What is wrong with a configuration, and what to write instead: rows WRONG_..., WARN_... and REMEDY_... of config/problem.h,
 * phrases without a full stop, joined as "what; remedy". Included by base/text_rows.h. */

TEXT(PROBLEM_WARNING, "warning: {what}", "avertissement : {what}")
TEXT(PROBLEM_REMEDY, "{what}; {remedy}", "{what} ; {remedy}")

/* ---- the form of the file ---- */
TEXT(INI_SECTION_OPEN, "the section’s name does not end with “]”", "le nom de la section ne se termine pas par « ] »")
TEXT(INI_SECTION_EMPTY, "the section has no name", "la section n’a pas de nom")
TEXT(INI_NOT_A_LINE, "this is neither a section, nor a key with a value, nor a comment",
     "ce n’est ni une section, ni une clé avec sa valeur, ni un commentaire")
TEXT(INI_KEY_EMPTY, "there is no key before “=”", "il n’y a pas de clé avant « = »")
TEXT(INI_LINE_LONG, "the line is too long", "la ligne est trop longue")
TEXT(INI_CONTROL, "there is a control character in this line", "cette ligne contient un caractère de contrôle")
TEXT(REMEDY_INI, "write “[Section]”, “Key = value”, or a comment that begins with “;” or “#”",
     "écrivez « [Section] », « Clé = valeur », ou un commentaire qui commence par « ; » ou « # »")
TEXT(WRONG_FILE_SIZE, "the file is larger than {high}", "le fichier dépasse {high}")
TEXT(REMEDY_FILE_SIZE, "give the name of the right file", "indiquez le bon fichier")
TEXT(WRONG_QUOTE, "the double quotes are not closed, or something follows them",
     "les guillemets droits ne sont pas fermés, ou quelque chose les suit")
TEXT(REMEDY_QUOTE, "end the value with one double quote, and double each one within it",
     "terminez la valeur par un guillemet droit, et doublez ceux qu’elle contient")
TEXT(WRONG_TWICE, "it is given already on line {line}", "cette clé figure déjà à la ligne {line}")
TEXT(REMEDY_TWICE, "remove one of the two lines", "supprimez l’une des deux lignes")
TEXT(WRONG_NO_SECTION, "the key stands before the first section", "la clé précède la première section")
TEXT(REMEDY_NO_SECTION, "write a section’s line, such as “[Server]”, above it",
     "écrivez au-dessus la ligne d’une section, par exemple « [Server] »")
TEXT(WRONG_SECTION, "there is no section “{value}”", "il n’existe pas de section « {value} »")
TEXT(REMEDY_SECTION, "see facteur.ini(5) for the sections, or remove it and its keys",
     "voyez les sections dans facteur.ini(5), ou supprimez-la avec ses clés")
TEXT(REMEDY_SECTION_NEAR, "did you mean “[{names}]”?", "vouliez-vous écrire « [{names}] » ?")
TEXT(WRONG_KEY, "there is no such key", "cette clé n’existe pas")
TEXT(REMEDY_KEY, "see facteur.ini(5) for the keys, or remove the line",
     "voyez les clés dans facteur.ini(5), ou supprimez la ligne")
TEXT(REMEDY_KEY_NEAR, "did you mean “{names}” in section “[{section}]”?",
     "vouliez-vous écrire « {names} » dans la section « [{section}] » ?")
TEXT(REMEDY_KEY_ELSEWHERE, "it belongs in section “[{section}]”", "elle appartient à la section « [{section}] »")

/* ---- single values ---- */
TEXT(WRONG_EMPTY, "the value is empty", "la valeur est vide")
TEXT(WRONG_SWITCH, "“{value}” is no switch", "« {value} » n’est pas un interrupteur")
TEXT(REMEDY_SWITCH, "write yes or no", "écrivez yes ou no")
TEXT(WRONG_NUMBER, "“{value}” is no number from {low} to {high}", "« {value} » n’est pas un nombre de {low} à {high}")
TEXT(REMEDY_NUMBER, "write a whole number from {low} to {high}, or {default}, which is the default",
     "écrivez un nombre entier de {low} à {high}, ou {default}, la valeur par défaut")
TEXT(WRONG_SECONDS, "“{value}” is no duration", "« {value} » n’est pas une durée")
TEXT(REMEDY_SECONDS, "write a number with a unit (90s, 5m, 2h, 1d), or a number of seconds",
     "écrivez un nombre avec une unité (90s, 5m, 2h, 1d), ou un nombre de secondes")
TEXT(WRONG_MINUTES, "“{value}” is no duration", "« {value} » n’est pas une durée")
TEXT(REMEDY_MINUTES, "write a number of minutes, or a number with a unit (90s, 5m, 2h, 1d)",
     "écrivez un nombre de minutes, ou un nombre avec une unité (90s, 5m, 2h, 1d)")
TEXT(WRONG_DAYS, "“{value}” is no duration", "« {value} » n’est pas une durée")
TEXT(REMEDY_DAYS, "write a number of days, or a number with a unit (90s, 5m, 2h, 1d)",
     "écrivez un nombre de jours, ou un nombre avec une unité (90s, 5m, 2h, 1d)")
TEXT(WRONG_SIZE, "“{value}” is no size", "« {value} » n’est pas une taille")
TEXT(REMEDY_SIZE, "write a number of octets, or a number with k or M behind it, such as 50M",
     "écrivez un nombre d’octets, ou un nombre suivi de k ou de M, par exemple 50M")
TEXT(WRONG_RANGE, "“{value}” is not between {low} and {high}", "« {value} » n’est pas compris entre {low} et {high}")
TEXT(REMEDY_RANGE, "write a value from {low} to {high}, or {default}, which is the default",
     "écrivez une valeur de {low} à {high}, ou {default}, la valeur par défaut")
TEXT(WRONG_CHOICE, "“{value}” is none of the possible values", "« {value} » n’est pas une des valeurs possibles")
TEXT(REMEDY_CHOICE, "write one of: {names}", "écrivez une de ces valeurs : {names}")
TEXT(WRONG_TEXT, "the value is too long", "la valeur est trop longue")
TEXT(REMEDY_TEXT, "write at most 1,024 octets", "écrivez au plus 1 024 octets")
TEXT(WRONG_PATH, "“{value}” is no absolute path", "« {value} » n’est pas un chemin absolu")
TEXT(REMEDY_PATH, "write the whole path, from “/” on", "écrivez le chemin complet, à partir de « / »")
TEXT(WRONG_HOST, "“{value}” is no host name", "« {value} » n’est pas un nom de machine")
TEXT(REMEDY_HOST, "write the full name of this machine, such as mta.example.org, without a dot at its end",
     "écrivez le nom complet de cette machine, par exemple mta.example.org, sans point final")
TEXT(WRONG_ADDRESS, "“{value}” is no address that every server takes",
     "« {value} » n’est pas une adresse que tout serveur accepte")
TEXT(REMEDY_ADDRESS, "write one address, such as postmaster@example.org, with ASCII before the “@”",
     "écrivez une seule adresse, par exemple postmaster@example.org, en ASCII avant le « @ »")
TEXT(WRONG_LATER, "this is not available in this version", "ceci n’est pas disponible dans cette version")
TEXT(REMEDY_LATER, "remove the line, or leave it at its default: “{default}”",
     "supprimez la ligne, ou laissez la valeur par défaut : « {default} »")
TEXT(REMEDY_LATER_EMPTY, "remove the line, or leave it empty", "supprimez la ligne, ou laissez la valeur vide")

/* ---- places ---- */
TEXT(WRONG_SERVER, "“{value}” is neither a host name nor an address",
     "« {value} » n’est ni un nom de machine ni une adresse")
TEXT(REMEDY_SERVER,
     "write one of: name, [name], 192.0.2.1, [2001:db8::1], each also with “:port”, or with “smtps://” in front",
     "écrivez une de ces formes : nom, [nom], 192.0.2.1, [2001:db8::1], chacune aussi avec « :port », ou précédée de "
     "« smtps:// »")
TEXT(WRONG_SERVER_PORT, "the port in “{value}” is no number from 1 to 65535",
     "le port dans « {value} » n’est pas un nombre de 1 à 65535")
TEXT(REMEDY_SERVER_PORT, "write the port behind a colon, such as mail.example.org:587, or leave both out",
     "écrivez le port après deux-points, par exemple mail.example.org:587, ou omettez les deux")
TEXT(WRONG_SERVER_LOGIN, "there is an “@” in it: a login does not belong here",
     "la valeur contient « @ » : un identifiant n’a pas sa place ici")
TEXT(REMEDY_SERVER_LOGIN, "write the host alone, and the login in SmartHostUser and SmartHostPassword",
     "écrivez la machine seule, et les identifiants dans SmartHostUser et SmartHostPassword")
TEXT(WRONG_SERVER_UNSPECIFIED, "“{value}” is not the address of a machine",
     "« {value} » n’est pas l’adresse d’une machine")
TEXT(REMEDY_SERVER_UNSPECIFIED, "write the address of the server itself", "écrivez l’adresse du serveur lui-même")
TEXT(WRONG_LISTEN, "“{value}” is no address with a port", "« {value} » n’est pas une adresse avec un port")
TEXT(REMEDY_LISTEN,
     "write addresses such as 127.0.0.1:25 or [::1]:25, with blanks between them; 0.0.0.0 and [::] are all of this "
     "machine’s",
     "écrivez des adresses comme 127.0.0.1:25 ou [::1]:25, séparées par des espaces ; 0.0.0.0 et [::] sont toutes "
     "celles de cette machine")
TEXT(WRONG_NETWORK, "“{value}” is neither an address nor a network", "« {value} » n’est ni une adresse ni un réseau")
TEXT(REMEDY_NETWORK, "write networks such as 192.0.2.0/24, 2001:db8::/32 or ::1, with blanks between them",
     "écrivez des réseaux comme 192.0.2.0/24, 2001:db8::/32 ou ::1, séparés par des espaces")
TEXT(WRONG_NETWORK_BITS, "“{value}” has bits behind its mask", "« {value} » a des bits au-delà de son masque")
TEXT(REMEDY_NETWORK_BITS, "write the network’s first address, such as 192.0.2.0/24, or one address without a mask",
     "écrivez la première adresse du réseau, par exemple 192.0.2.0/24, ou une seule adresse sans masque")
TEXT(WRONG_NAME_SERVER, "“{value}” is not the address of a name server",
     "« {value} » n’est pas l’adresse d’un serveur de noms")
TEXT(REMEDY_NAME_SERVER, "write addresses such as 192.0.2.53 or 127.0.0.1@5353, with blanks between them",
     "écrivez des adresses comme 192.0.2.53 ou 127.0.0.1@5353, séparées par des espaces")
TEXT(WRONG_DOMAIN, "“{value}” is no domain", "« {value} » n’est pas un domaine")
TEXT(REMEDY_DOMAIN,
     "write domains such as example.org, with blanks between them, without “@” and without a dot at the end",
     "écrivez des domaines comme example.org, séparés par des espaces, sans « @ » ni point final")
TEXT(WRONG_LIST, "“{value}” is no name", "« {value} » n’est pas un nom")
TEXT(REMEDY_LIST, "write names with blanks between them", "écrivez des noms séparés par des espaces")
TEXT(WRONG_TOO_MANY, "these are too many values", "les valeurs sont trop nombreuses")
TEXT(REMEDY_TOO_MANY, "write fewer, or larger networks in the place of single addresses",
     "écrivez-en moins, ou des réseaux plus grands au lieu d’adresses isolées")
TEXT(WRONG_TLS_POLICY_DOMAIN, "“{value}” is neither a domain nor “*”", "« {value} » n’est ni un domaine ni « * »")
TEXT(REMEDY_TLS_POLICY_DOMAIN, "write lines such as “example.org = verified”, or “* = required” for all others",
     "écrivez des lignes comme « example.org = verified », ou « * = required » pour tous les autres")

/* ---- secrets ---- */
TEXT(WRONG_SECRET_PATH, "in “file:PATH”, the path must be absolute", "dans « file:CHEMIN », le chemin doit être absolu")
TEXT(REMEDY_SECRET_PATH, "write it as file:/path/of/the/file, the secret being its first line",
     "écrivez file:/chemin/du/fichier, le secret étant sa première ligne")
TEXT(WRONG_SECRET_FILE, "the file “{value}” cannot be read", "le fichier « {value} » est illisible")
TEXT(REMEDY_SECRET_FILE, "make it readable for the user that facteur runs as, with the secret in its first line",
     "rendez-le lisible pour l’utilisateur de facteur, avec le secret sur sa première ligne")
TEXT(WRONG_SECRET_FILE_EMPTY, "the first line of “{value}” is empty", "la première ligne de « {value} » est vide")
TEXT(REMEDY_SECRET_FILE_EMPTY, "write the secret into its first line", "écrivez le secret sur sa première ligne")
TEXT(WRONG_SECRET_FILE_HERE, "a secret in a file is not possible here",
     "un secret dans un fichier n’est pas possible ici")
TEXT(REMEDY_SECRET_FILE_HERE, "write the secret itself", "écrivez le secret lui-même")
TEXT(WRONG_SECRET_LONG, "the secret is longer than 4,096 octets", "le secret dépasse 4 096 octets")
TEXT(REMEDY_SECRET_LONG, "check that it is the right one", "vérifiez que c’est le bon")
TEXT(WRONG_SEALED, "the sealed value is damaged", "la valeur scellée est endommagée")
TEXT(REMEDY_SEALED, "write the secret anew with “facteur config set”",
     "écrivez à nouveau le secret avec « facteur config set »")
TEXT(WRONG_SEALED_NEWER, "the value was sealed by a later version of facteur",
     "la valeur a été scellée par une version plus récente de facteur")
TEXT(REMEDY_SEALED_NEWER, "use that version, or write the secret anew",
     "utilisez cette version, ou écrivez à nouveau le secret")
TEXT(WRONG_SEALED_HERE, "a sealed value cannot be opened here", "une valeur scellée ne peut pas être ouverte ici")
TEXT(REMEDY_SEALED_HERE, "write the secret itself, or “file:PATH”", "écrivez le secret lui-même, ou « file:CHEMIN »")
TEXT(WARN_SEALED_KEY, "the key that opens the sealed value is missing or another one: the login counts as failed",
     "la clé qui ouvre la valeur scellée manque ou a changé : l’identification compte comme refusée")
TEXT(REMEDY_SEALED_KEY, "restore the key of this server, or write the secret anew with “facteur config set”",
     "restaurez la clé de ce serveur, ou écrivez à nouveau le secret avec « facteur config set »")

/* ---- what does not go together ---- */
TEXT(WRONG_MISSING, "the key is missing or empty", "la clé manque ou est vide")
TEXT(REMEDY_NAME_MISSING,
     "write the full name of this machine, such as “Name = mta.example.org”, which other servers can look up",
     "écrivez le nom complet de cette machine, par exemple « Name = mta.example.org », que les autres serveurs "
     "peuvent résoudre")
TEXT(REMEDY_DATA_DIR_MISSING, "write the folder for queue and mail, such as /var/lib/facteur",
     "écrivez le dossier de la file et du courrier, par exemple /var/lib/facteur")
TEXT(WARN_NAME_SHORT, "“{value}” is no full name: other servers will refuse it",
     "« {value} » n’est pas un nom complet : d’autres serveurs le refuseront")
TEXT(REMEDY_NAME_SHORT, "write a name with a domain, such as mta.example.org",
     "écrivez un nom avec son domaine, par exemple mta.example.org")
TEXT(WRONG_DATA_DIR_LONG,
     "the path of the control socket, “{value}/control”, is longer than a Unix socket’s 107 octets",
     "le chemin du socket de contrôle, « {value}/control », dépasse les 107 octets d’un socket Unix")
TEXT(REMEDY_DATA_DIR_LONG, "choose a folder with a path of at most 99 octets",
     "choisissez un dossier dont le chemin compte au plus 99 octets")
TEXT(WRONG_LISTEN_CLASH, "“{value}” is taken already by {names}", "« {value} » est déjà pris par {names}")
TEXT(REMEDY_LISTEN_CLASH, "give each listener an address and port of its own",
     "donnez à chaque écoute sa propre adresse et son propre port")
TEXT(WARN_OPEN_RELAY, "“{value}” lets so many relay that this is an open relay",
     "« {value} » autorise tant de monde à relayer que c’est un relais ouvert")
TEXT(REMEDY_OPEN_RELAY, "write only networks of your own, all others can log in",
     "n’écrivez que vos propres réseaux, les autres peuvent s’identifier")
TEXT(WRONG_SMARTHOST_MISSING, "the server is empty, but Mode = {value} needs it",
     "le serveur est vide, mais Mode = {value} en a besoin")
TEXT(REMEDY_SMARTHOST_MISSING, "write “SmartHost = ” and the server of your provider, or choose Mode = direct",
     "écrivez « SmartHost = » et le serveur de votre fournisseur, ou choisissez Mode = direct")
TEXT(WRONG_SMARTHOST_OURSELVES, "“{value}” is this server’s own name: mail would go round in circles",
     "« {value} » est le nom de ce serveur : le courrier tournerait en rond")
TEXT(WRONG_SMARTHOST_LOCAL, "“{value}” is one of the local domains: mail would go round in circles",
     "« {value} » est un des domaines locaux : le courrier tournerait en rond")
TEXT(WRONG_SMARTHOST_LISTEN,
     "“{value}” is this machine, and facteur itself listens on port {port}: mail would go round in circles",
     "« {value} » est cette machine, et facteur lui-même écoute sur le port {port} : le courrier tournerait en rond")
TEXT(REMEDY_SMARTHOST_OURSELVES, "write the server of your provider, or choose Mode = direct and leave it empty",
     "écrivez le serveur de votre fournisseur, ou choisissez Mode = direct et laissez-le vide")
TEXT(WARN_SMARTHOST_OWN, "“{value}” is this machine itself, port {port}",
     "« {value} » est cette machine elle-même, port {port}")
TEXT(REMEDY_SMARTHOST_OWN, "this is right only if another mail server listens there and does not send back to facteur",
     "c’est correct seulement si un autre serveur de courrier y écoute et ne renvoie rien à facteur")
TEXT(WRONG_LOGIN_EMPTY, "SmartHostAuth = yes needs it, and it is empty",
     "SmartHostAuth = yes l’exige, et elle est vide")
TEXT(REMEDY_LOGIN_EMPTY,
     "write SmartHostUser and SmartHostPassword, or choose SmartHostAuth = no, or PerAccountAuth = yes",
     "écrivez SmartHostUser et SmartHostPassword, ou choisissez SmartHostAuth = no, ou PerAccountAuth = yes")
TEXT(WARN_LOGIN_ACCOUNTS_ONLY,
     "there is no general login: only accounts with a smart host login of their own can send through the server",
     "il n’y a pas d’identifiants généraux : seuls les comptes ayant leurs propres identifiants pour l’hôte de "
     "relais peuvent envoyer")
TEXT(REMEDY_LOGIN_ACCOUNTS_ONLY, "write SmartHostUser and SmartHostPassword for all the others",
     "écrivez SmartHostUser et SmartHostPassword pour tous les autres")
TEXT(WARN_LOGIN_OTHERS_WITHOUT, "accounts with a smart host login use it, all others send without a login",
     "les comptes ayant des identifiants pour l’hôte de relais les utilisent, tous les autres envoient sans "
     "identification")
TEXT(REMEDY_LOGIN_OTHERS_WITHOUT, "choose SmartHostAuth = yes with a general login if the server demands one",
     "choisissez SmartHostAuth = yes avec des identifiants généraux si le serveur en exige")
TEXT(WRONG_TLS_CONTRADICTION,
     "SmartHostTls = off contradicts the server, which speaks TLS from the first octet (smtps:// or port 465)",
     "SmartHostTls = off contredit le serveur, qui parle TLS dès le premier octet (smtps:// ou port 465)")
TEXT(REMEDY_TLS_CONTRADICTION, "choose SmartHostTls = auto, or another port",
     "choisissez SmartHostTls = auto, ou un autre port")
TEXT(WARN_LOGIN_NEVER,
     "no login is ever sent: the link is not encrypted, and AllowPlaintextAuth = no refuses logins in clear",
     "aucun identifiant n’est jamais envoyé : la liaison n’est pas chiffrée, et AllowPlaintextAuth = no interdit les "
     "identifiants en clair")
TEXT(REMEDY_LOGIN_NEVER, "choose SmartHostTls = auto or required", "choisissez SmartHostTls = auto ou required")
TEXT(WARN_LOGIN_CLEAR, "passwords may go to the server in clear, where anybody on the way can read them",
     "des mots de passe peuvent partir en clair vers le serveur, lisibles par quiconque se trouve sur le chemin")
TEXT(REMEDY_LOGIN_CLEAR, "choose AllowPlaintextAuth = no unless the server has no TLS at all",
     "choisissez AllowPlaintextAuth = no, sauf si le serveur n’a pas du tout de TLS")
TEXT(WARN_LOGIN_UNVERIFIED, "passwords go to whoever answers in the server’s place: its certificate is not verified",
     "les mots de passe vont à quiconque répond à la place du serveur : son certificat n’est pas vérifié")
TEXT(REMEDY_LOGIN_UNVERIFIED,
     "choose SmartHostVerifyCertificate = yes, with the issuer’s certificate in [TLS] CaFile if need be",
     "choisissez SmartHostVerifyCertificate = yes, avec au besoin le certificat de l’émetteur dans [TLS] CaFile")
TEXT(WARN_NO_MX_BOTH,
     "a domain without MX, A and AAAA is bounced at once, and the server is not tried for it, although the mode would",
     "un domaine sans MX, A ni AAAA donne un avis de non-distribution immédiat, sans essayer le serveur que le mode "
     "prévoit pourtant")
TEXT(REMEDY_NO_MX_BOTH, "choose BounceIfNoMxOrA = no if the server is to try such domains",
     "choisissez BounceIfNoMxOrA = no si le serveur doit essayer ces domaines")
TEXT(WARN_ABORT_ALL,
     "the server gets all recipients of a message in one transaction: one that is refused with 5xx stops it for all "
     "of them",
     "le serveur reçoit tous les destinataires d’un message en une transaction : un seul refus 5XX l’annule pour tous")
TEXT(REMEDY_ABORT_ALL, "choose AbortOnRcpt5xx = no if the others are to get the message",
     "choisissez AbortOnRcpt5xx = no si les autres doivent recevoir le message")
TEXT(WRONG_GIVE_UP, "a message that is given up would vanish: nobody is informed, and nothing is kept",
     "un message abandonné disparaîtrait : personne n’est informé, et rien n’est conservé")
TEXT(REMEDY_GIVE_UP, "choose yes for one of OnGiveUpInformSender, OnGiveUpInformPostmaster, OnGiveUpKeepInBadQueue",
     "choisissez yes pour une de ces clés : OnGiveUpInformSender, OnGiveUpInformPostmaster, OnGiveUpKeepInBadQueue")
TEXT(WARN_GIVE_UP_EARLY, "messages are given up before they have spent RemoteQueueMinutes in the remote queue",
     "les messages sont abandonnés avant d’avoir passé RemoteQueueMinutes dans la file distante")
TEXT(REMEDY_GIVE_UP_EARLY, "choose a longer GiveUpDays or a shorter RemoteQueueMinutes",
     "choisissez un GiveUpDays plus long ou un RemoteQueueMinutes plus court")
TEXT(WRONG_TLS_PAIR, "certificate and key go together, and one of them is empty",
     "le certificat et la clé vont ensemble, et l’un des deux est vide")
TEXT(REMEDY_TLS_PAIR, "write both Certificate and Key, or neither, and a self-signed one is made",
     "écrivez Certificate et Key, ou aucun des deux, et un certificat auto-signé sera créé")

/* ---- accounts ---- */
TEXT(WRONG_ACCOUNT, "“{value}” is no address for an account", "« {value} » n’est pas une adresse de compte")
TEXT(REMEDY_ACCOUNT, "write a section such as “[user@example.org]”", "écrivez une section comme « [user@example.org] »")
TEXT(WRONG_ACCOUNT_TAKEN, "“{value}” belongs already to {names}", "« {value} » appartient déjà à {names}")
TEXT(REMEDY_ACCOUNT_TAKEN, "give each address and alias to one account only",
     "n’attribuez chaque adresse ou alias qu’à un seul compte")
TEXT(WRONG_ACCOUNT_KEY, "an account has no such key", "un compte n’a pas cette clé")
TEXT(REMEDY_ACCOUNT_KEY, "write one of: {names}", "écrivez une de ces clés : {names}")
TEXT(WRONG_ACCOUNT_HASH, "this is no hash of a password", "ce n’est pas l’empreinte d’un mot de passe")
TEXT(REMEDY_ACCOUNT_HASH, "set the password with “facteur account set {names} --password-file FILE”",
     "définissez le mot de passe avec « facteur account set {names} --password-file FICHIER »")
TEXT(WRONG_ACCOUNT_ALIAS, "“{value}” is no address", "« {value} » n’est pas une adresse")
TEXT(REMEDY_ACCOUNT_ALIAS, "write addresses with blanks between them", "écrivez des adresses séparées par des espaces")
TEXT(WRONG_ACCOUNT_SEND_AS, "“{value}” is neither an address nor a domain",
     "« {value} » n’est ni une adresse ni un domaine")
TEXT(REMEDY_ACCOUNT_SEND_AS, "write addresses, or domains without “@”, with blanks between them",
     "écrivez des adresses, ou des domaines sans « @ », séparés par des espaces")
TEXT(WRONG_ACCOUNT_SECRET_FILE, "an account’s password cannot be in a file of its own",
     "le mot de passe d’un compte ne peut pas être dans un fichier à part")
TEXT(REMEDY_ACCOUNT_SECRET_FILE, "set it with “facteur account set {names} --smarthost-password-file FILE”",
     "définissez-le avec « facteur account set {names} --smarthost-password-file FICHIER »")
TEXT(WRONG_ACCOUNTS_MANY, "there are more than {high} accounts", "il y a plus de {high} comptes")
TEXT(REMEDY_ACCOUNTS_MANY, "remove those that nobody uses", "supprimez ceux que personne n’utilise")
TEXT(WARN_ACCOUNT_HALF, "the smart host login is half filled and counts as empty: the general login is used",
     "les identifiants pour l’hôte de relais sont incomplets et comptent comme vides : les identifiants généraux "
     "servent")
TEXT(REMEDY_ACCOUNT_HALF, "give user name and password, or neither",
     "donnez le nom d’utilisateur et le mot de passe, ou aucun des deux")
TEXT(WARN_ACCOUNT_CANNOT_SEND,
     "without a smart host login of their own, and without a general one, these accounts cannot send: {names}",
     "sans identifiants propres pour l’hôte de relais, et sans identifiants généraux, ces comptes ne peuvent pas "
     "envoyer : {names}")
TEXT(REMEDY_ACCOUNT_CANNOT_SEND,
     "give them one with “facteur account set ADDRESS --smarthost-user U --smarthost-password-file F”",
     "donnez-leur-en avec « facteur account set ADRESSE --smarthost-user U --smarthost-password-file F »")
