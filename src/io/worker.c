#include "io/worker.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/arena.h"
#include "config/secret.h"


/* Hash of nothing in particular with the parameters that account passwords get: an unknown account costs the same time
 * as a wrong password (S26). */
static const char decoy_password[] = "no account has this password";

struct job {
    uv_work_t request;
    struct worker *worker;
    struct job *next;
    struct handle handle;
    bool hashing;
    /* password */
    char hash[crypto_pwhash_STRBYTES];
    char password[PASSWORD_SIZE_MAX];
    size_t password_size;
    bool matched;
    /* Maildir */
    struct op_maildir maildir;
    enum err err;
};

struct worker {
    struct worker_options options;
    struct job *waiting_first, *waiting_last; /* passwords */
    size_t hashing_count;
    size_t busy_count;
    char decoy_hash[crypto_pwhash_STRBYTES];
};

struct worker *worker_new(const struct worker_options *options)
{
    struct worker *worker = mem_alloc(sizeof *worker);
    worker->options = *options;
    static const uint8_t salt[SECRET_SALT_SIZE] = { 1 };
    struct buffer hash;
    buffer_init(&hash, sizeof worker->decoy_hash - 1);
    enum err err = password_hash(slice(decoy_password, sizeof decoy_password - 1), salt, &hash);
    assert(err == ERR_OK && !hash.overflow);
    memcpy(worker->decoy_hash, hash.data, hash.size);
    buffer_done(&hash);
    return worker;
}

void worker_free(struct worker *worker)
{
    assert(!worker || !worker_busy(worker));
    mem_free(worker);
}

bool worker_busy(const struct worker *worker)
{
    return worker->busy_count > 0;
}

static void password_work(uv_work_t *request)
{
    struct job *job = (struct job *)request;
    bool known = job->hash[0] != 0;
    const char *hash = known ? job->hash : job->worker->decoy_hash;
    job->matched = crypto_pwhash_str_verify(hash, job->password, job->password_size) == 0 && known;
    sodium_memzero(job->password, sizeof job->password);
}

static void passwords_start(struct worker *worker);

static void password_done(uv_work_t *request, int status)
{
    struct job *job = (struct job *)request;
    struct worker *worker = job->worker;
    struct event event = { .kind = EVENT_PASSWORD, .handle = job->handle };
    event.password.matched = status == 0 && job->matched;
    mem_free(job);
    worker->hashing_count--;
    worker->busy_count--;
    worker->options.feed(worker->options.context, &event);
    passwords_start(worker);
}

static void passwords_start(struct worker *worker)
{
    while (worker->waiting_first && worker->hashing_count < WORKER_HASHES_MAX) {
        struct job *job = worker->waiting_first;
        worker->waiting_first = job->next;
        worker->hashing_count++;
        int status = uv_queue_work(worker->options.uv, &job->request, password_work, password_done);
        assert(status == 0);
    }
}

void worker_password(struct worker *worker, struct handle handle, const struct op_password *op)
{
    struct job *job = mem_alloc(sizeof *job);
    job->worker = worker;
    job->handle = handle;
    bool usable = op->password.size <= sizeof job->password && op->hash.size < sizeof job->hash;
    if (usable) {
        memcpy(job->hash, op->hash.data, op->hash.size);
        memcpy(job->password, op->password.data, op->password.size);
        job->password_size = op->password.size;
    }
    worker->busy_count++;
    if (worker->waiting_first)
        worker->waiting_last->next = job;
    else
        worker->waiting_first = job;
    worker->waiting_last = job;
    passwords_start(worker);
}

static void maildir_work(uv_work_t *request)
{
    struct job *job = (struct job *)request;
    job->err = maildir_deliver(job->worker->options.disk, &job->maildir, &job->worker->options.source);
}

static void maildir_done(uv_work_t *request, int status)
{
    struct job *job = (struct job *)request;
    struct worker *worker = job->worker;
    struct event event = { .kind = EVENT_MAILDIR, .handle = job->handle };
    event.maildir.err = status == 0 ? job->err : ERR_IO;
    mem_free(job);
    worker->busy_count--;
    worker->options.feed(worker->options.context, &event);
}

void worker_maildir(struct worker *worker, struct handle handle, const struct op_maildir *op)
{
    struct job *job = mem_alloc(sizeof *job);
    job->worker = worker;
    job->handle = handle;
    job->maildir = *op;
    worker->busy_count++;
    int status = uv_queue_work(worker->options.uv, &job->request, maildir_work, maildir_done);
    assert(status == 0);
}
