/* Maps DataDir/run/inflight (store/inflight) into memory: setting a slot costs no system call and survives the end of the
 * process. */
#pragma once

#include "base/err.h"
#include "border/op.h"

struct inflight_map;

/* Calls `found` for every slot that an unclean end has left, then clears the table. */
enum err inflight_map_open(const char *data_folder, void (*found)(void *context, uint64_t id, bool dot_sent),
                           void *context, struct inflight_map **ret_map);
void inflight_map_close(struct inflight_map *map);
void inflight_map_set(struct inflight_map *map, const struct op_inflight *op);
