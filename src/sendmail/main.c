/* sendmail: what cron, PHP and scripts call. Reads a message, makes it a letter (letter.h) and speaks SMTP over the unix socket of
 * facteurd (DataDir/submit) into the same intake as everybody else: no second path. See sendmail(1). */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/arena.h"
#include "io/config_file.h"
#include "proto/address.h"
#include "sendmail/letter.h"

#define CONFIG_PATH_DEFAULT "/etc/facteur/facteur.ini"

enum { REPLY_SIZE_MAX = 64 << 10, NAME_SIZE_MAX = 256 };

static const char HELP[] =
    "Usage: sendmail [-t] [-i] [-f SENDER] [-F NAME] [-N NOTIFY] [-R RET] [-V ENVID] [-C FILE] [RECIPIENT ...]\n"
    "       sendmail -bs        SMTP on standard input and output\n"
    "\n"
    "Reads a message from standard input and hands it to facteurd.\n"
    "  -t          recipients are those of To, Cc and Bcc (which is removed); with RECIPIENTs, these too\n"
    "  -i, -oi     a line with a single dot does not end the message\n"
    "  -f, -r A    the envelope's sender (default: the user at the server's name); -f '<>' for none\n"
    "  -F NAME     the name in a From field that is added where there is none\n"
    "  -N, -R, -V  NOTIFY, RET and ENVID of RFC 3461\n"
    "  -C FILE     the configuration of facteurd, which tells where it listens (" CONFIG_PATH_DEFAULT ")\n"
    "Other options of Sendmail are accepted and mean nothing here. Exit status: 0 taken, 64 wrong usage, 65 wrong message, 67 a\n"
    "recipient was refused, 69 refused, 75 no server, or try again later.\n";

struct options {
    bool from_header, dots_end, stdio;
    const char *sender, *name, *notify, *ret, *envid, *config;
};

struct session {
    int socket;
    struct buffer input;
    char server[NAME_SIZE_MAX]; /* as it greets */
    struct slice text;          /* of the last reply, in `reply` */
    char reply[1024];
};

/* ---- where facteurd listens ---- */

static int server_connect(const char *config)
{
    char folder[CONFIG_PATH_MAX];
    config_file_data_dir(config, folder);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/submit", folder) >= (int)sizeof(address.sun_path))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    fprintf(stderr, "sendmail: facteurd does not answer at %s (%s); is it running, and is -C right?\n", address.sun_path,
            strerror(errno));
    close(fd);
    return -1;
}

/* ---- SMTP ---- */

static bool send_all(struct session *s, struct slice bytes)
{
    while (bytes.size > 0) {
        ssize_t n = write(s->socket, bytes.data, bytes.size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = slice_after(bytes, (size_t)n);
    }
    return true;
}

/* The code of the next reply, all its lines read; 0: the connection is gone. */
static unsigned reply_read(struct session *s)
{
    for (;;) {
        struct slice rest = buffer_slice(&s->input);
        size_t end = slice_find(rest, '\n');
        if (end < rest.size && end >= 4) {
            unsigned code = (unsigned)(rest.data[0] - '0') * 100 + (unsigned)(rest.data[1] - '0') * 10 + (unsigned)(rest.data[2] - '0');
            bool last = rest.data[3] != '-';
            struct slice text = slice_part(slice_trim(slice_part(rest, 4, end - 4)), 0, sizeof(s->reply));
            s->text = slice(memcpy(s->reply, text.data, text.size), text.size);
            buffer_consume(&s->input, end + 1);
            if (last)
                return code;
            continue;
        }
        char block[4096];
        ssize_t n = read(s->socket, block, sizeof(block));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || s->input.size > REPLY_SIZE_MAX)
            return 0;
        buffer_add(&s->input, slice(block, (size_t)n));
    }
}

static unsigned command(struct session *s, struct buffer *line)
{
    buffer_add_text(line, "\r\n");
    bool sent = send_all(s, buffer_slice(line));
    buffer_clear(line);
    return sent ? reply_read(s) : 0;
}

static int status_of(unsigned code, int refused)
{
    return code == 0 || (code >= 400 && code < 500) ? EX_TEMPFAIL : refused;
}

static int told(const struct session *s, unsigned code, int refused, struct slice what)
{
    if (code == 0)
        fputs("sendmail: the connection to facteurd was lost\n", stderr);
    else
        fprintf(stderr, "sendmail: %.*s: %u %.*s\n", SLICE_ARG(what), code, SLICE_ARG(s->text));
    return status_of(code, refused);
}

static bool session_open(struct session *s)
{
    if (reply_read(s) != 220)
        return false;
    struct slice rest = s->text, name = slice_split(&rest, ' ');
    snprintf(s->server, sizeof(s->server), "%.*s", SLICE_ARG(name));
    struct buffer line;
    buffer_init(&line, NAME_SIZE_MAX + 64);
    buffer_add_format(&line, "EHLO %s", s->server);
    unsigned code = command(s, &line);
    buffer_done(&line);
    return code == 250;
}

/* A bare local name belongs to this server. */
static void add_mailbox(const struct session *s, struct slice address, struct buffer *out)
{
    buffer_add(out, address);
    if (slice_find_last(address, '@') == address.size && address.size > 0)
        buffer_add_format(out, "@%s", s->server);
}

static bool has_8bit(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if ((unsigned char)s.data[i] > 127)
            return true;
    return false;
}

static int envelope_send(struct session *s, const struct options *o, struct slice sender,
                         const struct letter_recipients *recipients, bool utf8)
{
    struct buffer line;
    buffer_init(&line, 4096);
    buffer_add_text(&line, "MAIL FROM:<");
    add_mailbox(s, sender, &line);
    buffer_add_text(&line, "> BODY=8BITMIME");
    if (utf8)
        buffer_add_text(&line, " SMTPUTF8");
    if (o->ret)
        buffer_add_format(&line, " RET=%s", o->ret);
    if (o->envid)
        buffer_add_format(&line, " ENVID=%s", o->envid);
    unsigned code = command(s, &line);
    int status = code == 250 ? EX_OK : told(s, code, EX_NOPERM, SLICE("the sender is refused"));
    for (uint32_t i = 0; status == EX_OK && i < recipients->count; i++) {
        buffer_add_text(&line, "RCPT TO:<");
        add_mailbox(s, recipients->items[i], &line);
        buffer_add_text(&line, ">");
        if (o->notify)
            buffer_add_format(&line, " NOTIFY=%s", o->notify);
        code = command(s, &line);
        if (code / 100 != 2)
            status = told(s, code, EX_NOUSER, recipients->items[i]);
    }
    buffer_done(&line);
    return status;
}

static int body_send(struct session *s, struct slice body)
{
    struct buffer out;
    buffer_init(&out, 2 * LETTER_SIZE_MAX);
    buffer_add_text(&out, "DATA");
    unsigned code = command(s, &out);
    if (code != 354) {
        buffer_done(&out);
        return told(s, code, EX_UNAVAILABLE, SLICE("the message is refused"));
    }
    while (body.size > 0) { /* RFC 5321 4.5.2 */
        size_t line = slice_find(body, '\n') + 1;
        if (body.data[0] == '.')
            buffer_add_char(&out, '.');
        buffer_add(&out, slice_part(body, 0, line));
        body = slice_after(body, line);
    }
    buffer_add_text(&out, ".");
    code = command(s, &out);
    buffer_done(&out);
    return code == 250 ? EX_OK : told(s, code, EX_UNAVAILABLE, SLICE("the message is refused"));
}

/* ---- a message ---- */

static bool read_all(struct buffer *out)
{
    char block[64 << 10];
    for (;;) {
        ssize_t n = read(STDIN_FILENO, block, sizeof(block));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 && !out->overflow;
        buffer_add(out, slice(block, (size_t)n));
    }
}

static void from_make(const struct session *s, const struct options *o, struct slice sender, struct buffer *out)
{
    if (o->name) {
        buffer_add_char(out, '"');
        for (const char *c = o->name; *c; c++) {
            if (*c == '"' || *c == '\\')
                buffer_add_char(out, '\\');
            if (*c != '\r' && *c != '\n')
                buffer_add_char(out, *c);
        }
        buffer_add_text(out, "\" ");
    }
    buffer_add_char(out, '<');
    add_mailbox(s, sender.size > 0 ? sender : SLICE("MAILER-DAEMON"), out);
    buffer_add_char(out, '>');
}

static struct slice sender_of(const struct options *o)
{
    if (o->sender) {
        struct slice s = slice_trim(slice_of(o->sender));
        if (s.size >= 2 && s.data[0] == '<')
            s = slice_part(s, 1, s.size - 2);
        return s;
    }
    const struct passwd *user = getpwuid(getuid());
    return user ? slice_of(user->pw_name) : SLICE("nobody");
}

static int deliver(struct session *s, const struct options *o, struct slice text, struct letter_recipients *recipients,
                   struct arena *arena)
{
    uint32_t wrong = 0;
    if (o->from_header)
        letter_recipients_of(text, arena, recipients, &wrong);
    if (wrong > 0)
        fprintf(stderr, "sendmail: %u addresses in the header are none; they are left out\n", wrong);
    if (recipients->count == 0 || recipients->too_many) {
        fputs(recipients->too_many ? "sendmail: too many recipients\n" : "sendmail: no recipients: name them, or use -t\n", stderr);
        return recipients->too_many ? EX_DATAERR : EX_USAGE;
    }
    struct slice sender = sender_of(o);
    struct buffer from, body;
    buffer_init(&from, 4096);
    buffer_init(&body, 2 * LETTER_SIZE_MAX);
    from_make(s, o, sender, &from);
    letter_write(text, buffer_slice(&from), &body);
    bool utf8 = has_8bit(sender);
    for (uint32_t i = 0; i < recipients->count; i++)
        utf8 = utf8 || has_8bit(recipients->items[i]);
    int status = envelope_send(s, o, sender, recipients, utf8);
    if (status == EX_OK)
        status = body_send(s, buffer_slice(&body));
    buffer_done(&from);
    buffer_done(&body);
    struct buffer quit;
    buffer_init(&quit, 16);
    buffer_add_text(&quit, "QUIT");
    command(s, &quit);
    buffer_done(&quit);
    return status;
}

/* What the caller of -bs has said so far, as far as his end of input needs it. */
struct said {
    char line[8]; /* the beginning of the present line */
    size_t size;  /* of the present line, its end excepted */
    bool letter;  /* between DATA and the dot */
    bool quit;
};

static void said_add(struct said *s, struct slice bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        char c = bytes.data[i];
        if (c != '\n') {
            if (c != '\r' && s->size < sizeof(s->line))
                s->line[s->size] = c;
            s->size += c != '\r';
            continue;
        }
        struct slice line = slice(s->line, s->size < sizeof(s->line) ? s->size : sizeof(s->line));
        if (s->letter)
            s->letter = !slice_equal(line, SLICE("."));
        else if (slice_equal_nocase(line, SLICE("DATA")))
            s->letter = true;
        else
            s->quit = slice_equal_nocase(line, SLICE("QUIT"));
        s->size = 0;
    }
}

/* -bs: our caller speaks SMTP himself. What he has said when his input ends is still answered; only a letter without its end is
 * dropped. */
static int relay_stdio(struct session *s)
{
    char block[16 << 10];
    struct said said = { .size = 0 };
    for (bool open = true;;) {
        fd_set set;
        FD_ZERO(&set);
        if (open)
            FD_SET(STDIN_FILENO, &set);
        FD_SET(s->socket, &set);
        if (select(s->socket + 1, &set, NULL, NULL, NULL) < 0)
            return EX_OSERR;
        if (FD_ISSET(s->socket, &set)) {
            ssize_t n = read(s->socket, block, sizeof(block));
            if (n <= 0 || write(STDOUT_FILENO, block, (size_t)n) != n)
                return n < 0 ? EX_TEMPFAIL : EX_OK;
        }
        if (!open || !FD_ISSET(STDIN_FILENO, &set))
            continue;
        ssize_t n = read(STDIN_FILENO, block, sizeof(block));
        open = n > 0;
        if (open)
            said_add(&said, slice(block, (size_t)n));
        if (!open && said.letter)
            return EX_DATAERR;
        if (!send_all(s, open ? slice(block, (size_t)n) : said.quit ? SLICE_EMPTY : SLICE("QUIT\r\n")))
            return EX_TEMPFAIL;
    }
}

/* ---- the command line, as Sendmail's ---- */

static int options_read(int argc, char **argv, struct options *o)
{
    *o = (struct options){ .dots_end = true, .config = getenv("FACTEUR_CONFIG") };
    if (!o->config)
        o->config = CONFIG_PATH_DEFAULT;
    for (int c; (c = getopt(argc, argv, "+tivf:r:F:N:R:V:C:b:o:q::B:O:h:p:X:d:mnGUL:A:")) != -1;) {
        switch (c) {
        case 't': o->from_header = true; break;
        case 'i': o->dots_end = false; break;
        case 'f':
        case 'r': o->sender = optarg; break;
        case 'F': o->name = optarg; break;
        case 'N': o->notify = optarg; break;
        case 'R': o->ret = optarg; break;
        case 'V': o->envid = optarg; break;
        case 'C': o->config = optarg; break;
        case 'o':
            if (*optarg == 'i')
                o->dots_end = false;
            break;
        case 'b':
            if (*optarg == 's') {
                o->stdio = true;
            } else if (*optarg != 'm') {
                fprintf(stderr, "sendmail: -b%s is not for facteur: the queue is shown by mailq, the server is facteurd\n", optarg);
                return EX_USAGE;
            }
            break;
        case '?': fputs(HELP, stderr); return EX_USAGE;
        default: break; /* means nothing here */
        }
    }
    return EX_OK;
}

int main(int argc, char **argv)
{
    struct options o;
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(HELP, stdout);
        return EX_OK;
    }
    int status = options_read(argc, argv, &o);
    if (status != EX_OK)
        return status;
    signal(SIGPIPE, SIG_IGN);
    struct arena arena = { 0 };
    struct letter_recipients recipients = { 0 };
    uint32_t wrong = 0;
    for (int i = optind; i < argc; i++)
        letter_addresses(slice_of(argv[i]), &arena, &recipients, &wrong);
    struct buffer text;
    buffer_init(&text, LETTER_SIZE_MAX);
    struct session s = { .socket = -1 };
    buffer_init(&s.input, REPLY_SIZE_MAX + 8192);
    if (!o.stdio && !read_all(&text)) {
        fputs("sendmail: the message cannot be read, or is too large\n", stderr);
        status = EX_IOERR;
    }
    if (status == EX_OK && (s.socket = server_connect(o.config)) < 0)
        status = EX_TEMPFAIL;
    if (status == EX_OK && o.stdio) {
        status = relay_stdio(&s);
    } else if (status == EX_OK && !session_open(&s)) {
        fputs("sendmail: facteurd does not take mail now; try again later\n", stderr);
        status = EX_TEMPFAIL;
    } else if (status == EX_OK) {
        status = deliver(&s, &o, o.dots_end ? letter_up_to_dot(buffer_slice(&text)) : buffer_slice(&text), &recipients, &arena);
    }
    if (s.socket >= 0)
        close(s.socket);
    buffer_done(&s.input);
    buffer_done(&text);
    arena_done(&arena);
    return status;
}
