/* What a world is like: everything drawn from its seed, and the configuration that follows from it. */
#pragma once

#include <stdio.h>

#include "base/bytes.h"
#include "base/now.h"
#include "base/random.h"

/* Accounts of the world are a1@accounts.test with password pw1 and so on; those with odd numbers have a login at the smart
 * host, su1 with sp1. Nobody hashes here: the hash's first octet says whose it is. */
#define SIM_HASH_START "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsAA$"

enum { SIM_ACCOUNTS_MAX = 3, SIM_LOGIN_NONE = -1, SIM_LOGIN_GENERAL = 0 };

enum sim_mode { SIM_DIRECT, SIM_SMARTHOST, SIM_DIRECT_THEN_SMARTHOST };

struct sim_options {
    uint64_t seed;
    enum sim_mode mode;
    bool abort_on_rcpt_5xx, bounce_if_no_mx_or_a, bounce_on_first_5xx;
    bool smarthost_auth;
    uint32_t domain_count, host_count, letter_count, session_count, recipients_max, body_size_max;
    /* Probabilities in thousandths, while faults last. */
    uint32_t connect_refused, connect_hangs, connection_reset, stall, dot_answer_lost, temp_failure, perm_failure;
    uint32_t tls_fails, dns_temp, disk_fault;
    int64_t latency_us;     /* of the network, at most */
    int64_t disk_latency_us;
    int64_t faults_us;      /* how long they last */
    uint32_t crash_count;   /* ends of the process or of the machine, while faults last */
    uint32_t power_share;   /* of the crashes, in thousandths, that are power losses */
    uint32_t reload_count;  /* changes of the mode, while faults last */
    bool pipelining, starttls, eight_bit;
    uint32_t segment_size;
    uint32_t account_count;  /* the first sessions log in, each with one of them */
    bool per_account_auth;
    uint32_t give_up_hours; /* half a day or more behind the faults */
};

void sim_options_draw(uint64_t seed, struct sim_options *ret_options);
void sim_options_print(const struct sim_options *options, FILE *file);
/* facteur.ini of this world, in the given mode. */
void sim_options_ini(const struct sim_options *options, enum sim_mode mode, struct buffer *out);
bool sim_chance(struct random_fast *r, uint32_t thousandths);
/* The account that a sender's session logs in with, 0: none. */
uint32_t sim_account(const struct sim_options *options, uint32_t session);
/* The login that the smart host sees for mail of that account (0: nobody's): its number, or SIM_LOGIN_... */
int sim_smarthost_login(const struct sim_options *options, uint32_t account);
void sim_options_accounts(const struct sim_options *options, struct buffer *out); /* accounts.ini */
bool sim_password_matches(struct slice hash, struct slice password);
