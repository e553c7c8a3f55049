/* Rows TEXT(ID, english, french), grouped by who says them. Included by base/text only, hence no guard. */

/* ---- names of things ---- */
TEXT(QUEUE_REMOTE, "remote queue", "file distante")
TEXT(QUEUE_RETRY, "retry queue", "file de relance")
TEXT(QUEUE_HOLDING, "holding queue", "file d’attente")
TEXT(QUEUE_BAD, "bad queue", "file des messages erronés")
TEXT(QUEUE_LOCAL, "local queue", "file locale")

/* ---- notices (proto/dsn) ---- */
TEXT(DSN_FROM, "Mail delivery service", "Service de distribution du courrier")
TEXT(DSN_SUBJECT_FAILED, "Not delivered: {subject}", "Non distribué : {subject}")
TEXT(DSN_SUBJECT_DELAYED, "Delayed: {subject}", "Retardé : {subject}")
TEXT(DSN_SUBJECT_SUCCESS, "Delivery report: {subject}", "Compte rendu de distribution : {subject}")
TEXT(DSN_SUBJECT_AFTER_DELAY, "Delivered after a delay: {subject}", "Distribué avec retard : {subject}")
TEXT(DSN_NO_SUBJECT, "(no subject)", "(sans objet)")
TEXT(DSN_YOUR_MESSAGE, "Your message", "Votre message")
TEXT(DSN_THE_MESSAGE, "The message", "Le message")
TEXT(DSN_FAILED_ONE,
     "{message} could not be delivered to the address below. No further attempt will be made.",
     "{message} n’a pas pu être distribué à l’adresse ci-dessous. Il n’y aura pas d’autre tentative.")
TEXT(DSN_FAILED_MANY,
     "{message} could not be delivered to the {count} addresses below. No further attempt will be made for them. "
     "Other recipients, if there were any, are not concerned.",
     "{message} n’a pas pu être distribué aux {count} adresses ci-dessous. Il n’y aura pas d’autre tentative pour "
     "elles. Les autres destinataires éventuels ne sont pas concernés.")
TEXT(DSN_DELAYED_ONE,
     "{message} has not been delivered to the address below yet.",
     "{message} n’a pas encore pu être distribué à l’adresse ci-dessous.")
TEXT(DSN_DELAYED_MANY,
     "{message} has not been delivered to the {count} addresses below yet.",
     "{message} n’a pas encore pu être distribué aux {count} adresses ci-dessous.")
TEXT(DSN_DELAYED_UNTIL,
     "This server keeps trying until {date}. There is nothing to do for now; please do not send the message again, "
     "it could then arrive twice. Should this server have to give up, another notice will say so.",
     "Ce serveur poursuivra ses tentatives jusqu’au {date}. Il n’y a rien à faire pour l’instant ; n’envoyez pas le "
     "message une seconde fois, il pourrait arriver en double. Si ce serveur doit abandonner, un autre avis le dira.")
TEXT(DSN_DELAYED_OPEN,
     "This server keeps trying. There is nothing to do for now; please do not send the message again, it could then "
     "arrive twice. Should this server have to give up, another notice will say so.",
     "Ce serveur poursuit ses tentatives. Il n’y a rien à faire pour l’instant ; n’envoyez pas le message une "
     "seconde fois, il pourrait arriver en double. Si ce serveur doit abandonner, un autre avis le dira.")
TEXT(DSN_SUCCESS,
     "As was asked for with the message, here is what became of it.",
     "Comme demandé lors de l’envoi, voici ce qu’il est advenu du message.")
TEXT(DSN_AFTER_DELAY,
     "{message}, which had been delayed, has gone after all. There is nothing more to do.",
     "{message}, qui avait été retardé, est finalement parti. Il n’y a plus rien à faire.")
TEXT(DSN_POSTMASTER,
     "You get this notice as the postmaster of {name}. The sender gets one of their own, unless the settings or the "
     "message itself ask for none.",
     "Vous recevez cet avis en tant que postmaster de {name}. L’expéditeur reçoit le sien, sauf si les réglages ou "
     "le message lui-même l’excluent.")
TEXT(DSN_POSTMASTER_NULL,
     "You get this notice as the postmaster of {name}. The message has no sender, because it is itself a notice or "
     "was sent by a program: nobody else is told.",
     "Vous recevez cet avis en tant que postmaster de {name}. Le message n’a pas d’expéditeur, car il s’agit d’un "
     "avis ou d’un envoi automatique : personne d’autre n’est prévenu.")
TEXT(DSN_DETAIL_SUBJECT, "Subject: {subject}", "Objet : {subject}")
TEXT(DSN_DETAIL_SENDER, "Sender: {sender}", "Expéditeur : {sender}")
TEXT(DSN_DETAIL_RECEIVED, "Received here: {date}", "Reçu ici : le {date}")
TEXT(DSN_DETAIL_ID, "Number: {id}", "Numéro : {id}")
TEXT(DSN_MORE,
     "... and {count} more; the attached report lists all of them.",
     "... et {count} autres ; le rapport joint les énumère tous.")
TEXT(DSN_WAS_DELIVERED, "The message has been delivered.", "Le message a été distribué.")
TEXT(DSN_WAS_RELAYED,
     "The message was accepted by the mail server {host}, which sends no confirmations: whether it reaches the "
     "mailbox cannot be told from here.",
     "Le message a été accepté par le serveur de messagerie {host}, qui n’envoie pas de confirmation : on ne peut "
     "pas savoir d’ici s’il atteint la boîte aux lettres.")
TEXT(DSN_EXPIRED,
     "This server tried for as long as its settings allow, without success. The last attempt ended like this:",
     "Ce serveur a essayé aussi longtemps que ses réglages le permettent, sans succès. Voici l’issue de la dernière "
     "tentative :")
TEXT(DSN_HOST_UNKNOWN, "of the recipient", "du destinataire")
TEXT(DSN_REPLY, "The mail server {host} answered:", "Le serveur de messagerie {host} a répondu :")
TEXT(DSN_REPLY_OK,
     "The mail server {host} accepted the message. It answered:",
     "Le serveur de messagerie {host} a accepté le message. Il a répondu :")
TEXT(DSN_REPLY_TEMP,
     "The mail server {host} does not take the message for now. It answered:",
     "Le serveur de messagerie {host} n’accepte pas le message pour l’instant. Il a répondu :")
TEXT(DSN_REPLY_BANNER,
     "The mail server {host} refused the connection. It answered:",
     "Le serveur de messagerie {host} a refusé la connexion. Il a répondu :")
TEXT(DSN_REPLY_LOGIN,
     "The mail server {host}, through which this server sends its mail, did not accept the login. It answered:",
     "Le serveur de messagerie {host}, par lequel ce serveur envoie son courrier, n’a pas accepté l’identification. "
     "Il a répondu :")
TEXT(DSN_REPLY_MAIL,
     "The mail server {host} refused the message when it was told the sender. It answered:",
     "Le serveur de messagerie {host} a refusé le message à l’annonce de l’expéditeur. Il a répondu :")
TEXT(DSN_REPLY_RCPT,
     "The mail server {host} refused this recipient. It answered:",
     "Le serveur de messagerie {host} a refusé ce destinataire. Il a répondu :")
TEXT(DSN_REPLY_DATA,
     "The mail server {host} refused the message. It answered:",
     "Le serveur de messagerie {host} a refusé le message. Il a répondu :")
TEXT(DSN_OTHERS, "Other attempts ended like this:", "Issue des autres tentatives :")
TEXT(DSN_OTHER_REPLY, "{host} answered:", "{host} a répondu :")
TEXT(DSN_IN_DOUBT,
     "The connection broke before this server heard whether the message was taken: it may have arrived all the same.",
     "La connexion a été rompue avant que ce serveur sache si le message était accepté : l’issue est incertaine, il "
     "a pu arriver malgré tout.")
TEXT(DSN_CAUSE_NONE, "No attempt could be made.", "Aucune tentative n’a pu avoir lieu.")
TEXT(DSN_CAUSE_NO_ANSWER,
     "The mail server {host} could not be reached: it did not answer in time.",
     "Le serveur de messagerie {host} n’a pas pu être joint : il n’a pas répondu à temps.")
TEXT(DSN_CAUSE_TIMEOUT,
     "The mail server {host} stopped answering in the middle of the session.",
     "Le serveur de messagerie {host} a cessé de répondre au cours de la session.")
TEXT(DSN_CAUSE_LOST,
     "The connection with the mail server {host} broke off before it had confirmed the message.",
     "La connexion avec le serveur de messagerie {host} a été rompue avant qu’il ait confirmé le message.")
TEXT(DSN_CAUSE_REFUSED,
     "The mail server {host} could not be reached: the connection was refused.",
     "Le serveur de messagerie {host} n’a pas pu être joint : la connexion a été refusée.")
TEXT(DSN_CAUSE_UNREACHABLE,
     "The mail server {host} could not be reached: there is no way to its network.",
     "Le serveur de messagerie {host} n’a pas pu être joint : son réseau est inaccessible.")
TEXT(DSN_CAUSE_PROTOCOL,
     "The mail server {host} answered with something that is not SMTP, the language of mail servers.",
     "Le serveur de messagerie {host} a répondu autre chose que du SMTP, le langage des serveurs de messagerie.")
TEXT(DSN_CAUSE_REMEMBERED,
     "The mail server {host} could not be reached a few minutes ago and was not tried again just now.",
     "Le serveur de messagerie {host} n’a pas pu être joint il y a quelques minutes et n’a pas été recontacté depuis.")
TEXT(DSN_CAUSE_DNS_TEMP,
     "The mail server of {domain} could not be found: the name servers gave no usable answer.",
     "Le serveur de messagerie de {domain} n’a pas pu être trouvé : les serveurs de noms n’ont pas donné de réponse "
     "utilisable.")
TEXT(DSN_CAUSE_NXDOMAIN, "The domain {domain} does not exist.", "Le domaine {domain} n’existe pas.")
TEXT(DSN_CAUSE_NODATA,
     "The domain {domain} has no mail server: neither it nor the servers that it names have an address.",
     "Le domaine {domain} n’a pas de serveur de messagerie : ni lui ni les serveurs qu’il désigne n’ont d’adresse.")
TEXT(DSN_CAUSE_NULL_MX,
     "The domain {domain} declares that it receives no mail at all.",
     "Le domaine {domain} déclare qu’il ne reçoit aucun courrier.")
TEXT(DSN_CAUSE_OURSELVES,
     "The domain {domain} names this server as its mail server, but this server does not receive its mail: the "
     "message would go round in circles.",
     "Le domaine {domain} désigne ce serveur comme son serveur de messagerie, mais ce serveur ne reçoit pas son "
     "courrier : le message tournerait en rond.")
TEXT(DSN_CAUSE_TLS_FAILED,
     "The message has to go over an encrypted connection, and none could be made with the mail server {host}.",
     "Le message doit passer par une connexion chiffrée, et aucune n’a pu être établie avec le serveur de messagerie "
     "{host}.")
TEXT(DSN_CAUSE_TLS_NOT_OFFERED,
     "The message has to go over an encrypted connection, which the mail server {host} does not offer.",
     "Le message doit passer par une connexion chiffrée, ce que le serveur de messagerie {host} ne propose pas.")
TEXT(DSN_CAUSE_TLS_UNVERIFIED,
     "The message may only be handed to a mail server that proves who it is; the certificate of {host} does not.",
     "Le message ne peut être remis qu’à un serveur de messagerie qui prouve son identité ; le certificat de {host} "
     "ne le fait pas.")
TEXT(DSN_CAUSE_LOGIN,
     "This server could not log in to the mail server {host}, through which it sends its mail.",
     "Ce serveur n’a pas pu s’identifier auprès du serveur de messagerie {host}, par lequel il envoie son courrier.")
TEXT(DSN_CAUSE_RESTING,
     "The mail server {host} is left alone for a while, after several failures or because it asked for it.",
     "Le serveur de messagerie {host} est laissé au repos un moment, après plusieurs échecs ou à sa demande.")
TEXT(DSN_CAUSE_SIZE,
     "The message is larger than the mail server {host} accepts.",
     "Le message est plus volumineux que ce que le serveur de messagerie {host} accepte.")
TEXT(DSN_CAUSE_SMTPUTF8,
     "The message has addresses or header lines with international characters, which the mail server {host} does not "
     "support.",
     "Le message contient des adresses ou des en-têtes avec des caractères internationaux, que le serveur de "
     "messagerie {host} ne prend pas en charge.")
TEXT(DSN_CAUSE_CONVERSION,
     "The mail server {host} takes no 8-bit octets or no lines as long as this message has, and what would have to be "
     "changed in it is signed or cannot be read.",
     "Le serveur de messagerie {host} n’accepte pas les octets à 8 bits ou les lignes aussi longues que celles de ce "
     "message, et ce qu’il faudrait y modifier est signé ou illisible.")
TEXT(DSN_CAUSE_SIBLING,
     "The message was not sent, because another of its recipients was refused and this server is set to give up the "
     "whole delivery in that case.",
     "Le message n’a pas été envoyé, parce qu’un autre de ses destinataires a été refusé et que ce serveur est réglé "
     "pour abandonner toute la distribution dans ce cas.")
TEXT(DSN_CAUSE_LOCAL,
     "A fault of this server kept it from delivering the message.",
     "Une défaillance de ce serveur l’a empêché de distribuer le message.")
TEXT(DSN_CAUSE_EXPIRED,
     "This server tried for as long as its settings allow, without success.",
     "Ce serveur a essayé aussi longtemps que ses réglages le permettent, sans succès.")
TEXT(DSN_CAUSE_HOPS,
     "The message has passed through too many servers: it seems to go round in circles.",
     "Le message est passé par trop de serveurs : il semble tourner en rond.")
TEXT(DSN_CAUSE_ADMIN,
     "The administrator of this server has returned the message.",
     "L’administrateur de ce serveur a renvoyé le message.")
TEXT(DSN_ADVICE_ADDRESS,
     "What you can do: check the address for a typing mistake, or ask the recipient for the right one in another way.",
     "Ce que vous pouvez faire : vérifier qu’il n’y a pas de faute de frappe dans l’adresse, ou demander la bonne au "
     "destinataire par un autre moyen.")
TEXT(DSN_ADVICE_DOMAIN,
     "What you can do: check what stands behind the @ for a typing mistake, or ask the recipient for another address.",
     "Ce que vous pouvez faire : vérifier qu’il n’y a pas de faute de frappe après le @, ou demander une autre "
     "adresse au destinataire.")
TEXT(DSN_ADVICE_FULL,
     "What you can do: tell the recipient in another way that the mailbox is full, and send the message again later.",
     "Ce que vous pouvez faire : prévenir le destinataire par un autre moyen que sa boîte est pleine, et envoyer à "
     "nouveau le message plus tard.")
TEXT(DSN_ADVICE_SIZE,
     "What you can do: send the attachments in several messages, or a link to them.",
     "Ce que vous pouvez faire : envoyer les pièces jointes en plusieurs messages, ou un lien pour les télécharger.")
TEXT(DSN_ADVICE_POLICY,
     "What you can do: ask the recipient in another way to have the message let in. Their administrator will need "
     "this notice.",
     "Ce que vous pouvez faire : demander au destinataire, par un autre moyen, de faire autoriser le message. Son "
     "administrateur aura besoin de cet avis.")
TEXT(DSN_ADVICE_SIBLING,
     "What you can do: correct or leave out the refused address and send the message again to the others.",
     "Ce que vous pouvez faire : corriger ou retirer l’adresse refusée et envoyer à nouveau le message aux autres.")
TEXT(DSN_ADVICE_LATER,
     "What you can do: if it is urgent, reach the recipient in another way; else send the message again later.",
     "Ce que vous pouvez faire : joindre le destinataire par un autre moyen si c’est urgent, sinon envoyer à nouveau "
     "le message plus tard.")
TEXT(DSN_ADVICE_IN_DOUBT,
     "What you can do: ask the recipient whether the message has arrived before you send it again.",
     "Ce que vous pouvez faire : demander au destinataire si le message est arrivé avant de l’envoyer à nouveau.")
TEXT(DSN_ADVICE_OURS,
     "This lies with this server and neither with you nor with the recipient: please tell its administrator.",
     "Cela dépend de ce serveur, et non de vous ni du destinataire : merci d’en informer son administrateur.")
TEXT(DSN_ADVICE_OTHER,
     "What you can do: ask the recipient in another way, and pass this notice on to their administrator.",
     "Ce que vous pouvez faire : contacter le destinataire par un autre moyen, et transmettre cet avis à son "
     "administrateur.")
TEXT(DSN_HELP,
     "If you need help, write to {postmaster} and give the number {id}.",
     "Pour toute question, écrivez à {postmaster} en indiquant le numéro {id}.")
TEXT(DSN_ATTACHED_WHOLE,
     "Attached are a report for mail programs and the message.",
     "En pièces jointes : un rapport destiné aux logiciels de messagerie et le message.")
TEXT(DSN_ATTACHED_HEADER,
     "Attached are a report for mail programs and the header of the message.",
     "En pièces jointes : un rapport destiné aux logiciels de messagerie et l’en-tête du message.")
TEXT(DSN_TRANSCRIPT, "Transcript of the session:", "Transcription de la session :")
TEXT(DSN_DATE, "{day} {month} {year}, {time} UTC", "{day} {month} {year} à {time} UTC")
TEXT(DSN_FIRST_OF_MONTH, "1", "1er")
TEXT(DSN_MONTH_1, "January", "janvier")
TEXT(DSN_MONTH_2, "February", "février")
TEXT(DSN_MONTH_3, "March", "mars")
TEXT(DSN_MONTH_4, "April", "avril")
TEXT(DSN_MONTH_5, "May", "mai")
TEXT(DSN_MONTH_6, "June", "juin")
TEXT(DSN_MONTH_7, "July", "juillet")
TEXT(DSN_MONTH_8, "August", "août")
TEXT(DSN_MONTH_9, "September", "septembre")
TEXT(DSN_MONTH_10, "October", "octobre")
TEXT(DSN_MONTH_11, "November", "novembre")
TEXT(DSN_MONTH_12, "December", "décembre")

/* ---- policy: the rules of docs/DELIVERY.md, one sentence each ---- */
TEXT(RULE_A1,
     "The domain has no MX, A or AAAA record, and the page says to bounce such mail at once.",
     "Le domaine n’a aucun enregistrement MX, A ou AAAA, et la page demande de renvoyer aussitôt ce courrier "
     "à l’expéditeur.")
TEXT(RULE_A2,
     "The domain has no usable record; mail for it is retried until it expires, or goes to the smart host "
     "where the mode has one.",
     "Le domaine n’a aucun enregistrement utilisable ; son courrier est relancé jusqu’à l’expiration, ou "
     "passe par l’hôte de relais si le mode en prévoit un.")
TEXT(RULE_A3,
     "All mail goes to the smart host, so the recipient’s domain is not looked up.",
     "Tout le courrier passe par l’hôte de relais ; le domaine destinataire n’est donc pas recherché.")
TEXT(RULE_A4,
     "The name server could not answer for now; that never bounces a message before it expires.",
     "Le serveur de noms n’a pas pu répondre pour le moment ; cela ne renvoie jamais un message avant son "
     "expiration.")
TEXT(RULE_A5,
     "A name that does not exist and a name without records are treated alike; only the status differs.",
     "Un nom inexistant et un nom sans enregistrements sont traités de la même façon ; seul le code d’état "
     "diffère.")
TEXT(RULE_A6,
     "An IPv6 address counts as an address record.",
     "Une adresse IPv6 compte comme un enregistrement d’adresse.")
TEXT(RULE_A7,
     "The domain, or its server, says that it takes no mail at all.",
     "Le domaine, ou son serveur, déclare n’accepter aucun courrier.")
TEXT(RULE_A8, "None of the domain’s MX hosts has an address.", "Aucun des hôtes MX du domaine n’a d’adresse.")
TEXT(RULE_A9, "The mail would come back to this server.", "Le courrier reviendrait à ce serveur.")
TEXT(RULE_A10,
     "No host of the recipient’s domain could be used for a session, so the smart host follows.",
     "Aucun hôte du domaine destinataire n’a permis d’ouvrir une session ; l’hôte de relais prend donc la "
     "suite.")
TEXT(RULE_A10A,
     "One attempt connects to five addresses at most and for a minute at most.",
     "Une tentative contacte cinq adresses au plus, pendant une minute au plus.")
TEXT(RULE_A10B,
     "Many destinations in a row do not answer at all: the outgoing port seems blocked.",
     "De nombreuses destinations de suite ne répondent pas : le port sortant semble bloqué.")
TEXT(RULE_A11,
     "A server asked to try again later; direct delivery goes on as long as the message is in the remote "
     "queue, then the smart host follows.",
     "Un serveur a demandé de réessayer plus tard ; la distribution directe continue tant que le message est "
     "dans la file distante, puis l’hôte de relais prend la suite.")
TEXT(RULE_A12,
     "The recipient’s server refused the recipient; the smart host is not tried for that.",
     "Le serveur destinataire a refusé le destinataire ; l’hôte de relais n’est pas essayé pour autant.")
TEXT(RULE_A13,
     "The server refuses connections from this address, whatever the letter; that counts as a failed session.",
     "Le serveur refuse les connexions venant de cette adresse, quel que soit le message ; cela compte comme "
     "un échec de session.")
TEXT(RULE_A14,
     "The page says to stop at the first 5xx error of an MX host.",
     "La page demande de s’arrêter à la première erreur 5XX d’un hôte MX.")
TEXT(RULE_A15,
     "Every MX host is tried; a 4xx error means another attempt, otherwise one 5xx error suffices to bounce.",
     "Chaque hôte MX est essayé ; une erreur 4XX entraîne une relance, sinon une seule erreur 5XX suffit pour "
     "renvoyer le message.")
TEXT(RULE_A16,
     "Of several refusals the notice quotes the most preferred host’s and lists all of them.",
     "De plusieurs refus, l’avis cite celui de l’hôte préféré et les énumère tous.")
TEXT(RULE_A17,
     "A 5xx error after the message was sent means that it was not accepted, so the next MX host is tried.",
     "Une erreur 5XX après l’envoi du message signifie qu’il n’a pas été accepté ; l’hôte MX suivant est donc "
     "essayé.")
TEXT(RULE_A18,
     "The connection was lost after the message was sent and before the answer: it may have arrived, and no "
     "other host is tried in this attempt.",
     "La connexion a été perdue après l’envoi du message et avant la réponse : il est peut-être arrivé, et "
     "aucun autre hôte n’est essayé lors de cette tentative.")
TEXT(RULE_A19,
     "The page says that a 5xx error to the RCPT command is final.",
     "La page déclare définitive une erreur 5XX à la commande RCPT.")
TEXT(RULE_A20,
     "Another recipient of the same transaction was refused, and the page says to abort the delivery then.",
     "Un autre destinataire de la même transaction a été refusé, et la page demande alors d’annuler la "
     "distribution.")
TEXT(RULE_A21,
     "Each recipient has a state of its own; only those that are not finished are tried again.",
     "Chaque destinataire a son propre état ; seuls ceux qui ne sont pas terminés sont relancés.")
TEXT(RULE_A22,
     "Recipients with the same next hop share one transaction.",
     "Les destinataires qui ont le même serveur suivant partagent une transaction.")
TEXT(RULE_A23,
     "The smart host refused the message or the recipient for good.",
     "L’hôte de relais a refusé définitivement le message ou le destinataire.")
TEXT(RULE_A23A,
     "The smart host refuses our login or our right to use it; the message waits until that is mended.",
     "L’hôte de relais refuse notre identifiant ou notre droit de l’utiliser ; le message attend que ce soit "
     "corrigé.")
TEXT(RULE_A23B,
     "The smart host gives the same refusal again and again, so its mail is held instead of bounced.",
     "L’hôte de relais répète sans cesse le même refus ; son courrier est donc mis en attente au lieu d’être "
     "renvoyé.")
TEXT(RULE_A24,
     "The smart host cannot take the message for now; it is tried again.",
     "L’hôte de relais ne peut pas prendre le message pour le moment ; une relance suivra.")
TEXT(RULE_A25,
     "The login to the smart host fails; the message waits, and the login rests for a growing time.",
     "L’identification auprès de l’hôte de relais échoue ; le message attend, et l’identifiant est mis au "
     "repos pour une durée croissante.")
TEXT(RULE_A26,
     "The smart host refuses the account’s own login; the general one is not used instead.",
     "L’hôte de relais refuse l’identifiant propre au compte ; l’identifiant général n’est pas utilisé à sa "
     "place.")
TEXT(RULE_A27,
     "The login is that of the account which submitted the message.",
     "L’identifiant est celui du compte qui a soumis le message.")
TEXT(RULE_A28,
     "Accounts with a login of their own use it; the others send with the general one, or without.",
     "Les comptes qui ont leur propre identifiant l’utilisent ; les autres envoient avec l’identifiant "
     "général, ou sans.")
TEXT(RULE_A29, "Half a login counts as none.", "Un identifiant incomplet compte comme absent.")
TEXT(RULE_A30, "The password is the account’s own mail password.", "Le mot de passe est celui du compte lui-même.")
TEXT(RULE_A31,
     "A connection is used again only for the same host, port, encryption and login.",
     "Une connexion n’est réutilisée que pour le même hôte, le même port, le même chiffrement et le même "
     "identifiant.")
TEXT(RULE_A32,
     "The smart host wants a POP check before the session.",
     "L’hôte de relais exige une vérification POP avant la session.")
TEXT(RULE_A33,
     "A login is not sent over a link that is not encrypted or not verified.",
     "Un identifiant n’est pas envoyé sur une liaison non chiffrée ou non vérifiée.")
TEXT(RULE_A34,
     "The form of the Server field says how its name is looked up.",
     "La forme du champ Serveur détermine comment son nom est recherché.")
TEXT(RULE_A35,
     "The smart host’s name cannot be used for now: it has no address, or leads back to this server.",
     "Le nom de l’hôte de relais est inutilisable pour le moment : il n’a pas d’adresse, ou ramène à ce "
     "serveur.")
TEXT(RULE_A36,
     "Neither the direct way nor the smart host worked; both are tried again.",
     "Ni la voie directe ni l’hôte de relais n’ont abouti ; les deux seront réessayés.")
TEXT(RULE_A37,
     "The connection failed some minutes ago and is not tried again at once.",
     "La connexion a échoué il y a quelques minutes et n’est pas retentée aussitôt.")
TEXT(RULE_A38,
     "There is too much traffic at a time; the message waits.",
     "Il y a trop de trafic à la fois ; le message attend.")
TEXT(RULE_A39, "The address names the server by its IP address.", "L’adresse désigne le serveur par son adresse IP.")
TEXT(RULE_A40, "The message has no sender to return it to.", "Le message n’a pas d’expéditeur à qui le renvoyer.")
TEXT(RULE_A41, "The encryption that is demanded could not be had.", "Le chiffrement exigé n’a pas pu être obtenu.")
TEXT(RULE_A42,
     "The message is larger than the server takes.",
     "Le message est plus volumineux que ce que le serveur accepte.")
TEXT(RULE_A43,
     "The message needs SMTPUTF8, which the server does not offer.",
     "Le message exige SMTPUTF8, que le serveur ne propose pas.")
TEXT(RULE_A44, "One alert is given for each cause.", "Une alerte est émise pour chaque cause.")
TEXT(RULE_A45, "The time set for retrying is over.", "Le temps prévu pour les relances est écoulé.")
TEXT(RULE_A46,
     "What was in the way has been mended, so the messages are due at once.",
     "Ce qui faisait obstacle a été corrigé ; les messages sont donc à distribuer aussitôt.")

/* ---- policy: whose login is used at the smart host ---- */
TEXT(CREDENTIAL_NOT_REQUIRED,
     "no login: neither a general one is demanded nor has the account one",
     "pas d’identifiant : aucun n’est exigé en général et le compte n’en a pas")
TEXT(CREDENTIAL_BY_LOGIN,
     "the login of the account that submitted the message",
     "l’identifiant du compte qui a soumis le message")
TEXT(CREDENTIAL_BY_ADDRESS,
     "the login of the account whose address is the sender",
     "l’identifiant du compte dont l’adresse est celle de l’expéditeur")
TEXT(CREDENTIAL_GENERAL_ONLY,
     "the general login: accounts have none of their own",
     "l’identifiant général : les comptes n’en ont pas en propre")
TEXT(CREDENTIAL_NO_ACCOUNT,
     "the general login: the message belongs to no account",
     "l’identifiant général : le message n’appartient à aucun compte")
TEXT(CREDENTIAL_ACCOUNT_HAS_NONE,
     "the general login: the account has none at the smart host, or half of one",
     "l’identifiant général : le compte n’en a pas auprès de l’hôte de relais, ou n’en a que la moitié")

/* ---- the configuration ---- */
#include "base/text_rows_config.h"
#include "base/text_rows_keys.h"
#include "base/text_rows_engine.h"
#include "base/text_rows_admin.h"
