/* Rows TEXT(ID, english, french), grouped by who says them. Included by base/text only, hence no guard. */

/* ---- names of things ---- */
TEXT(QUEUE_REMOTE, "remote queue", "file distante")
TEXT(QUEUE_RETRY, "retry queue", "file de relance")
TEXT(QUEUE_HOLDING, "holding queue", "file d’attente")
TEXT(QUEUE_BAD, "bad queue", "file des messages erronés")
TEXT(QUEUE_LOCAL, "local queue", "file locale")
