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
