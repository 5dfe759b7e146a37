/**
 * Eventstorm, version 1 of its protocol, for sources written in C: emits events to whoever has subscribed, and never waits
 * for anybody. Nothing is acknowledged; every event is numbered, so that receivers know exactly what they never saw.
 *
 * A source has one thread of its own, which owns the sockets. All functions but eventstorm_open and eventstorm_close may be
 * called from any number of threads at the same time.
 */
#ifndef EVENTSTORM_H
#define EVENTSTORM_H

#include <bson/bson.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define EVENTSTORM_API __attribute__((visibility("default")))
#else
#define EVENTSTORM_API
#endif

/** What functions return. Zero is success, more than zero is no error either; below zero nothing was done. */
enum eventstorm_code {
  /** Done; of an event: on its way. */
  EVENTSTORM_OK = 0,
  /** Nobody has asked for events of this type, so it was not even encoded. Counted as `unwanted`. */
  EVENTSTORM_UNWANTED = 1,
  /** The queue is full. The event has used up its number, so receivers count it as lost. Counted as `dropped`. */
  EVENTSTORM_DROPPED = 2,

  /** An argument is NULL where it must not be, or out of its range. */
  EVENTSTORM_ARGUMENT_INVALID = -1,
  /** The name of the source: 1 to 255 bytes of UTF-8 without control characters. */
  EVENTSTORM_SOURCE_INVALID = -2,
  /** An endpoint is not of the form tcp://host:port or ipc://path. */
  EVENTSTORM_ENDPOINT_INVALID = -3,
  /** An option is out of its range, or does not fit another one. */
  EVENTSTORM_OPTIONS_INVALID = -4,
  /** A file of keys cannot be read, has no key in it, or may be read by everybody. */
  EVENTSTORM_KEY_INVALID = -5,
  /** No event type: segments with a dot between them, at most 255 bytes, no spaces, wildcards or leading `_`. */
  EVENTSTORM_TYPE_INVALID = -6,
  /** The data is no valid BSON, lies too deep, or has deprecated types or forbidden names in it. */
  EVENTSTORM_DATA_INVALID = -7,
  /** The time is farther than 8,640,000,000,000,000 ms from 1970. */
  EVENTSTORM_TIME_INVALID = -8,
  /** An extension attribute: 1 to 20 of a-z and 0-9, and a boolean, int32, string, binary or datetime. */
  EVENTSTORM_EXTENSION_INVALID = -9,
  /** The event is larger than `max_event_bytes`. */
  EVENTSTORM_EVENT_TOO_LARGE = -10,
  /** The source has `max_types` types already. */
  EVENTSTORM_TOO_MANY_TYPES = -11,
  /** What was waited for has not happened in time. */
  EVENTSTORM_TIMEOUT = -12,
  /** The source was opened before this process was forked; open one after it. */
  EVENTSTORM_FORKED = -13,
  /** No memory. */
  EVENTSTORM_NO_MEMORY = -14,
  /** The system refused a thread, a pipe or a socket. */
  EVENTSTORM_SYSTEM = -15
};

typedef struct eventstorm_source eventstorm_source;

typedef struct eventstorm_options {
  /** File with the key pair of this source, as `eventstorm keygen` writes it. NULL: no keys. */
  const char *key;
  /** With a key: public keys of what is dialled, NULL at the end; files NAME.pub or the keys themselves. One, or one each. */
  const char *const *server_keys;
  /** How long an event may wait for company in its message, milliseconds. 0: no longer than the thread takes to come. */
  int linger_ms;
  /** Events in one message at most. */
  int batch_events;
  /** Size at which a message waits for no more company, bytes. */
  size_t batch_bytes;
  /** Memory for events that wait for the thread, bytes; what finds it full is dropped. */
  size_t queue_bytes;
  /** Largest event, bytes, up to 16 MiB; a larger one is refused. */
  size_t max_event_bytes;
  /** Event types at most. */
  size_t max_types;
  /** Time between heartbeats, which make a loss at the end of a stream visible, and between reports; milliseconds. */
  int heartbeat_ms;
  /** Messages held for each slow endpoint, before it loses some. */
  int send_high_water_mark;
  /** First wait before dialling again, milliseconds; doubles up to 10 s. */
  int reconnect_ms;
} eventstorm_options;

/** The defaults: `eventstorm_options options = EVENTSTORM_OPTIONS;` and then what shall be different. */
#define EVENTSTORM_OPTIONS \
  { \
    .key = NULL, .server_keys = NULL, .linger_ms = 1, .batch_events = 1000, .batch_bytes = 65536, \
    .queue_bytes = 67108864, .max_event_bytes = 1048576, .max_types = 100000, .heartbeat_ms = 1000, \
    .send_high_water_mark = 1000, .reconnect_ms = 1000 \
  }

/** `emitted = unwanted + dropped + sent + queued`, at any moment. */
typedef struct eventstorm_counters {
  /** Valid events that were emitted. */
  uint64_t emitted;
  /** Events handed to ZeroMQ. */
  uint64_t sent;
  /** Events nobody had asked for. */
  uint64_t unwanted;
  /** Events that found the queue full; receivers count them as lost. */
  uint64_t dropped;
  /** Calls that returned an error: what they were given was no valid event, or of one type too many. */
  uint64_t refused;
  /** Events that wait for the thread. */
  uint64_t queued;
  /** Memory they take, bytes. */
  uint64_t queued_bytes;
  /** Messages sent, without heartbeats and reports, and their bytes. */
  uint64_t messages;
  uint64_t bytes;
  uint64_t heartbeats;
  /** Reports of what was sent, for `eventstorm top --audit`. */
  uint64_t reports;
  /** Prefixes of types that somebody wants. */
  uint64_t subscriptions;
  /** Frames from subscribers that were no subscriptions. */
  uint64_t foreign;
} eventstorm_counters;

/** The time of an event that happens now. */
#define EVENTSTORM_NOW INT64_MIN

/**
 * Opens a source and begins to dial. Others need not be there yet.
 *
 * @param name who emits, as sinks see it
 * @param endpoints routers or sinks to dial, NULL at the end; NULL for tcp://127.0.0.1:5555
 * @param options NULL for the defaults
 */
EVENTSTORM_API int eventstorm_open(eventstorm_source **source, const char *name, const char *const *endpoints,
                                   const eventstorm_options *options);

/**
 * Emits one event that happens now. Never waits for the network or for a subscriber. `data` is copied.
 *
 * @return EVENTSTORM_OK, EVENTSTORM_UNWANTED, EVENTSTORM_DROPPED, or an error: nothing is sent then
 */
EVENTSTORM_API int eventstorm_emit(eventstorm_source *source, const char *type, const bson_t *data);

/**
 * The same for any BSON value, at any time, and with extension attributes.
 *
 * @param time_ms when it happened, milliseconds since 1970, or EVENTSTORM_NOW
 * @param data NULL for null
 * @param attributes NULL for none
 */
EVENTSTORM_API int eventstorm_emit_value(eventstorm_source *source, const char *type, int64_t time_ms,
                                         const bson_value_t *data, const bson_t *attributes);

/**
 * Waits until somebody wants events of the type; what is emitted before that, nobody hears.
 *
 * @param timeout_ms 0 to look only, below 0 for no limit
 * @return EVENTSTORM_OK or EVENTSTORM_TIMEOUT
 */
EVENTSTORM_API int eventstorm_subscribed(eventstorm_source *source, const char *type, int timeout_ms);

/** Waits until all that was emitted before is handed to ZeroMQ; `timeout_ms` as above. */
EVENTSTORM_API int eventstorm_flush(eventstorm_source *source, int timeout_ms);

EVENTSTORM_API int eventstorm_count(eventstorm_source *source, eventstorm_counters *counters);

/**
 * Sends what was emitted, a last report and last heartbeats, for at most `timeout_ms` (below 0: as long as it takes), and frees
 * the source. No other thread may use it any more. NULL is closed already.
 */
EVENTSTORM_API int eventstorm_close(eventstorm_source *source, int timeout_ms);

/** The name of a code, such as "TYPE_INVALID". */
EVENTSTORM_API const char *eventstorm_code_name(int code);

/** What was expected and what was got, when a call of this thread last returned an error. Never NULL. */
EVENTSTORM_API const char *eventstorm_message(void);

#ifdef __cplusplus
}
#endif

#endif
