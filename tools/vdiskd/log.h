/* SPDX-License-Identifier: GPL-2.0 */
/* Log lines on standard error, one event a line: key=value pairs. */
#ifndef VDISKD_LOG_H
#define VDISKD_LOG_H

#include <stddef.h>

enum log_level { LOG_LEVEL_NONE, LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/**
 * log_setup - choose the least important level that is printed
 * @level: lines above it are dropped
 */
void log_setup(enum log_level level);

/**
 * log_event - print one line
 * @level: its importance
 * @event: what happened, in words
 * @...:   pairs of (const char *key, const char *value); a pair whose value is
 *         NULL is left out
 *
 * Values may come from the network: whatever could break a line or move a
 * terminal's cursor is escaped.  May be called from any thread.
 */
#define log_event(level, ...) log_event_pairs(level, __VA_ARGS__, (const char *)NULL)
void log_event_pairs(enum log_level level, const char *event, ...) __attribute__((sentinel));

/**
 * log_limited - the same, for events that a stranger can cause at will
 *
 * At most ten lines a second are printed; the number of those left out
 * stands on the next line.
 */
#define log_limited(level, ...) log_limited_pairs(level, __VA_ARGS__, (const char *)NULL)
void log_limited_pairs(enum log_level level, const char *event, ...) __attribute__((sentinel));

#endif
