/* setup: what facteurd puts together before it serves: folders, keys, certificate, disk, store, history. Blocking; everything
 * that reads elsewhere or loads code happens here, before the sandbox closes. */
#pragma once

#include "border/disk.h"
#include "config/account.h"
#include "config/config.h"
#include "io/inflight_map.h"
#include "io/tls.h"
#include "store/history.h"
#include "store/store.h"

enum { PROBLEM_SIZE_MAX = 8 << 10 };

/* On failure `problem` holds a sentence for the administrator. */
enum err setup_folders(const struct config *config, struct buffer *problem);
/* The configured certificate, or the self-signed one of DataDir/keys, made now when it is not there. */
enum err setup_tls(const struct config *config, struct tls_store **ret_tls, struct buffer *problem);
enum err setup_store(const struct config *config, struct now now, struct disk **ret_disk, struct store **ret_store,
                     struct history **ret_history, struct buffer *problem);
struct history_options setup_history(const struct config *config);
/* A13's phrases: the shipped ones and the administrator's. */
void setup_phrases(const struct config *config, struct buffer *out);
void setup_random(void *bytes, size_t size);
