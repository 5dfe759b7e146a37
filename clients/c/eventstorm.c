/*
 * One source file, read from the top: errors, text, BSON, events, keys, what is wanted, streams, the queue, the thread that
 * owns the socket, and last what the header promises. The section signs refer to PROTOCOL.md.
 */
#define _POSIX_C_SOURCE 200809L

#include "eventstorm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum {
  MAX_NAME = 255,
  MAX_LEVELS = 100,
  HEADER_BYTES = 60,
  BEAT_BYTES = 14,
  MAX_EVENT_BYTES = 16 * 1024 * 1024,
  FIRST_MESSAGE_BYTES = 1024,
  MAX_PREFIXES = 100000,
  MAX_SUBSCRIPTION_BYTES = 1024,
  /* Frames read, and heartbeats written, before something else has its turn. */
  FRAMES_AT_ONCE = 1000,
  BEATS_AT_ONCE = 256,
  STREAMS_IN_REPORT = 500,
  MAX_BEAT_PAUSE = 30,
  RECONNECT_MAX_MS = 10000,
  MAX_KEY_FILE_BYTES = 65536,
  KEY_CHARACTERS = 40
};

#define MAX_TIME INT64_C(8640000000000000)
static const char REPORT_TYPE[] = "_report.source";
static const char DEFAULT_ENDPOINT[] = "tcp://127.0.0.1:5555";

/* ---- Errors ---- */

static _Thread_local char last_message[512];

__attribute__((format(printf, 2, 3))) static int fail(int code, const char *format, ...)
{
  va_list values;
  va_start(values, format);
  vsnprintf(last_message, sizeof last_message, format, values);
  va_end(values);
  return code;
}

const char *eventstorm_message(void) { return last_message; }

const char *eventstorm_code_name(int code)
{
  static const char *const names[] = {"OK", "ARGUMENT_INVALID", "SOURCE_INVALID", "ENDPOINT_INVALID",
                                      "OPTIONS_INVALID", "KEY_INVALID", "TYPE_INVALID", "DATA_INVALID",
                                      "TIME_INVALID", "EXTENSION_INVALID", "EVENT_TOO_LARGE", "TOO_MANY_TYPES",
                                      "TIMEOUT", "FORKED", "NO_MEMORY", "SYSTEM"};
  if (code == EVENTSTORM_UNWANTED) return "UNWANTED";
  if (code == EVENTSTORM_DROPPED) return "DROPPED";
  if (code > 0 || code < EVENTSTORM_SYSTEM) return "UNKNOWN";
  return names[-code];
}

/* ---- Clocks ---- */

static int64_t clock_in(clockid_t clock, int64_t units_per_second)
{
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * units_per_second + now.tv_nsec / (1000000000 / units_per_second);
}

static int64_t monotonic_ms(void) { return clock_in(CLOCK_MONOTONIC, 1000); }

/* Section 6: within a process no two sources have the same epoch. */
static int64_t next_epoch(void)
{
  static atomic_int_least64_t latest = 0;
  int64_t before = atomic_load(&latest), epoch;
  do {
    epoch = clock_in(CLOCK_REALTIME, 1000000);
    if (epoch <= before) epoch = before + 1;
  } while (!atomic_compare_exchange_weak(&latest, &before, epoch));
  return epoch;
}

/* ---- Text ---- */

/* Of eight bytes that are looked at together, the highest bit of each, and the lowest. */
#define HIGH_BITS UINT64_C(0x8080808080808080)
#define LOW_BITS UINT64_C(0x0101010101010101)

/* In the order of this machine. */
static uint64_t eight_bytes(const uint8_t *at)
{
  uint64_t eight;
  memcpy(&eight, at, sizeof eight);
  return eight;
}

/* The code point at `at` and its length in bytes; 0 bytes for what is no UTF-8. */
static size_t code_point(const uint8_t *at, size_t length, uint32_t *point)
{
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  uint8_t first = at[0];
  if (first < 0x80) {
    *point = first;
    return 1;
  }
  size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || size > length) return 0;
  uint32_t value = first & (0xffu >> (size + 1));
  for (size_t i = 1; i < size; i++) {
    if ((at[i] & 0xc0) != 0x80) return 0;
    value = value << 6 | (at[i] & 0x3fu);
  }
  if (value < least[size] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return 0;
  *point = value;
  return size;
}

static bool is_utf8(const uint8_t *at, size_t length)
{
  size_t i = 0;
  while (i < length) {
    /* Most text is ASCII, which is looked at by eight. */
    if (length - i >= 8 && (eight_bytes(at + i) & HIGH_BITS) == 0) {
      i += 8;
      continue;
    }
    uint32_t point;
    size_t size = at[i] < 0x80 ? 1 : code_point(at + i, length - i, &point);
    if (size == 0) return false;
    i += size;
  }
  return true;
}

/* Section 3: what no segment of a type has in it, beside the dot. */
static bool is_barred(uint32_t point)
{
  static const uint32_t ranges[][2] = {
      {'*', '*'},         {0x0000, 0x0020}, {0x007f, 0x00a0}, {0x00ad, 0x00ad}, {0x061c, 0x061c},
      {0x1680, 0x1680},   {0x180e, 0x180e}, {0x2000, 0x200f}, {0x2028, 0x202f}, {0x205f, 0x206f},
      {0x3000, 0x3000},   {0xfeff, 0xfeff}, {0xfff0, 0xffff}, {0xe0000, 0xe0fff}};
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    if (point >= ranges[i][0] && point <= ranges[i][1]) return true;
  }
  return false;
}

/* Length of a text of 1 to 255 bytes, or 0. */
static size_t name_length(const char *text)
{
  size_t length = strnlen(text, MAX_NAME + 1);
  return length > MAX_NAME ? 0 : length;
}

static bool is_type(const char *type)
{
  size_t length = name_length(type), segment = 0;
  for (size_t i = 0; i < length;) {
    uint32_t point;
    size_t size = code_point((const uint8_t *)type + i, length - i, &point);
    if (size == 0 || is_barred(point) || (point == '.' && segment == 0)) return false;
    segment = point == '.' ? 0 : segment + 1;
    i += size;
  }
  return segment > 0;
}

static bool is_source_name(const char *name)
{
  size_t length = name_length(name);
  for (size_t i = 0; i < length;) {
    uint32_t point;
    size_t size = code_point((const uint8_t *)name + i, length - i, &point);
    if (size == 0 || point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0xfffd) return false;
    i += size;
  }
  return length > 0;
}

/* ---- BSON ---- */

static void put32(uint8_t *at, int32_t value)
{
  uint32_t bits = (uint32_t)value;
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(bits >> (8 * i));
}

static void put64(uint8_t *at, int64_t value)
{
  uint64_t bits = (uint64_t)value;
  for (int i = 0; i < 8; i++) at[i] = (uint8_t)(bits >> (8 * i));
}

static int32_t get32(const uint8_t *at)
{
  return (int32_t)((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24);
}

static int64_t get64(const uint8_t *at)
{
  return (int64_t)((uint64_t)(uint32_t)get32(at) | (uint64_t)(uint32_t)get32(at + 4) << 32);
}

/*
 * Bytes taken by a text with its length before it and a zero behind; 0 when it is none. Most text is ASCII, for which no look
 * at single bytes is needed: the last eight overlap with those before.
 */
static inline size_t text_size(const uint8_t *at, size_t room)
{
  if (room < 5) return 0;
  uint32_t length = (uint32_t)get32(at);
  if (length < 1 || length > room - 4) return 0;
  const uint8_t *text = at + 4, *end = text + length;
  if (end[-1] != 0) return 0;
  uint64_t all;
  if (length >= 4) {
    /* In a short text these begin with bytes of its length, which have no high bits then. */
    all = eight_bytes(end - 8);
    for (const uint8_t *each = text; each + 8 < end; each += 8) all |= eight_bytes(each);
  } else {
    all = text[0] | text[length / 2];
  }
  return (all & HIGH_BITS) == 0 || is_utf8(text, length - 1) ? 4 + (size_t)length : 0;
}

/* Bytes taken by a text that a zero ends; 0 when it is none. */
static inline size_t cstring_size(const uint8_t *at, size_t room)
{
  uint64_t all = 0;
  size_t length = 0;
  for (; room - length >= 8; length += 8) {
    uint64_t eight = (uint64_t)get64(at + length);
    /* The lowest bit that is set stands for the first byte that is zero. */
    uint64_t zeros = (eight - LOW_BITS) & ~eight & HIGH_BITS;
    if (zeros != 0) {
      uint64_t below = (zeros & (~zeros + 1)) - 1;
      all |= eight & below;
      /* As many bytes as there are before the zero, and the zero. */
      length += (size_t)((below & LOW_BITS) * LOW_BITS >> 56);
      return (all & HIGH_BITS) == 0 || is_utf8(at, length - 1) ? length : 0;
    }
    all |= eight;
  }
  while (length < room && at[length] != 0) all |= at[length++];
  if (length == room || ((all & HIGH_BITS) != 0 && !is_utf8(at, length))) return 0;
  return length + 1;
}

static bool is_forbidden(const uint8_t *name, size_t size)
{
  return (size == 10 && memcmp(name, "_bsontype", 10) == 0) || (size == 7 && memcmp(name, "toBSON", 7) == 0);
}

static size_t binary_size(const uint8_t *at, size_t room)
{
  if (room < 5) return 0;
  int32_t length = get32(at);
  if (length < 0 || (size_t)length > room - 5) return 0;
  if (at[4] == 2 && (length < 4 || get32(at + 5) != length - 4)) return 0;
  return 5 + (size_t)length;
}

static size_t regex_size(const uint8_t *at, size_t room)
{
  size_t pattern = cstring_size(at, room);
  size_t flags = pattern == 0 ? 0 : cstring_size(at + pattern, room - pattern);
  return flags == 0 ? 0 : pattern + flags;
}

/* Bytes taken by a value without documents in it; 0 when it is none. Section 5: times have a range. */
static inline size_t scalar_size(uint8_t type, const uint8_t *at, size_t room)
{
  static const uint8_t sizes[] = {[BSON_TYPE_DOUBLE] = 8,    [BSON_TYPE_OID] = 12,   [BSON_TYPE_BOOL] = 1,
                                  [BSON_TYPE_DATE_TIME] = 8, [BSON_TYPE_INT32] = 4,  [BSON_TYPE_TIMESTAMP] = 8,
                                  [BSON_TYPE_INT64] = 8,     [BSON_TYPE_DECIMAL128] = 16};
  if (type == BSON_TYPE_UTF8 || type == BSON_TYPE_CODE) return text_size(at, room);
  size_t size = type < sizeof sizes ? sizes[type] : 0;
  if (size > 0) {
    bool good = size <= room && (type != BSON_TYPE_BOOL || at[0] <= 1) &&
                (type != BSON_TYPE_DATE_TIME || (get64(at) <= MAX_TIME && get64(at) >= -MAX_TIME));
    return good ? size : 0;
  }
  if (type == BSON_TYPE_BINARY) return binary_size(at, room);
  return type == BSON_TYPE_REGEX ? regex_size(at, room) : 0;
}

static bool is_empty_type(uint8_t type)
{
  return type == BSON_TYPE_NULL || type == BSON_TYPE_MINKEY || type == BSON_TYPE_MAXKEY;
}

static bool is_document_type(uint8_t type) { return type == BSON_TYPE_DOCUMENT || type == BSON_TYPE_ARRAY; }

/* The end of the document at `at`, on the zero that closes it; NULL when it does not fit. */
static const uint8_t *document_end(const uint8_t *at, size_t room)
{
  if (room < 5) return NULL;
  int32_t length = get32(at);
  if (length < 5 || (size_t)length > room || at[length - 1] != 0) return NULL;
  return at + length - 1;
}

/*
 * What is wrong with a value of data, or NULL. It is checked as section 5 has it, without recursion: nothing that a caller
 * puts together can take more of the stack than this.
 */
static const char *data_fault(uint8_t type, const uint8_t *at, size_t length)
{
  if (is_empty_type(type)) return length == 0 ? NULL : "a value without bytes, got some";
  if (type != BSON_TYPE_CODEWSCOPE && !is_document_type(type)) {
    size_t size = scalar_size(type, at, length);
    return size == length && size > 0 ? NULL : "a valid BSON value";
  }
  /* The event is the first level. */
  const uint8_t *ends[MAX_LEVELS - 1];
  size_t depth = 0;
  const uint8_t *outer = at + length;
  for (;;) {
    /* `at` is where a value of documents begins, `outer` where it has to lie before. */
    if (type == BSON_TYPE_CODEWSCOPE) {
      size_t room = (size_t)(outer - at);
      int32_t total = room < 4 ? 0 : get32(at);
      if (total < 4 || (size_t)total > room) return "valid code with a scope";
      const uint8_t *end = at + total;
      size_t code = text_size(at + 4, (size_t)total - 4);
      if (code == 0 || document_end(at + 4 + code, (size_t)total - 4 - code) != end - 1) {
        return "valid code with a scope";
      }
      at += 4 + code;
    }
    if (depth == sizeof ends / sizeof *ends) return "at most 100 levels";
    const uint8_t *end = document_end(at, (size_t)(outer - at));
    if (end == NULL || (depth == 0 && end + 1 != outer)) return "a valid BSON document";
    ends[depth++] = end;
    at += 4;
    /* On to the next value of documents, out of those that end before it. */
    for (;;) {
      outer = ends[depth - 1];
      if (at == outer) {
        at++;
        if (--depth == 0) return NULL;
        continue;
      }
      type = *at++;
      size_t key = cstring_size(at, (size_t)(outer - at));
      if (key == 0) return "member names of UTF-8 that a zero ends";
      if (is_forbidden(at, key)) return "no members called _bsontype or toBSON";
      at += key;
      size_t size = scalar_size(type, at, (size_t)(outer - at));
      at += size;
      if (size > 0 || is_empty_type(type)) continue;
      if (type == BSON_TYPE_CODEWSCOPE || is_document_type(type)) break;
      return "valid BSON values of types that are not deprecated";
    }
  }
}

/* What is wrong with a document of extension attributes, or NULL. */
static const char *attributes_fault(const uint8_t *at, size_t length)
{
  static const char *const taken[] = {"time", "data", "type", "source", "id", "epoch", "seq", "specversion"};
  const uint8_t *end = document_end(at, length);
  if (end == NULL || end + 1 != at + length) return "a valid BSON document";
  for (at += 4; at < end;) {
    uint8_t type = *at++;
    const uint8_t *zero = memchr(at, 0, (size_t)(end - at));
    size_t name = zero == NULL ? 0 : (size_t)(zero - at);
    if (name < 1 || name > 20) return "names of 1 to 20 characters";
    for (size_t i = 0; i < name; i++) {
      if (!((at[i] >= 'a' && at[i] <= 'z') || (at[i] >= '0' && at[i] <= '9'))) return "names of a-z and 0-9";
    }
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
      if (strcmp((const char *)at, taken[i]) == 0) return "other names than those an event has already";
    }
    at = zero + 1;
    if (type != BSON_TYPE_BOOL && type != BSON_TYPE_INT32 && type != BSON_TYPE_UTF8 && type != BSON_TYPE_BINARY &&
        type != BSON_TYPE_DATE_TIME) {
      return "booleans, int32, strings, binaries and datetimes";
    }
    size_t size = scalar_size(type, at, (size_t)(end - at));
    if (size == 0) return "valid BSON values";
    at += size;
  }
  return NULL;
}

/* Bytes that grow; once there is no memory, it stays `failed`. */
struct bytes {
  uint8_t *at;
  size_t length, capacity;
  bool failed;
};

static uint8_t *grow(struct bytes *bytes, size_t more)
{
  if (bytes->failed) return NULL;
  if (bytes->length + more > bytes->capacity) {
    size_t capacity = 2 * (bytes->length + more) + 256;
    uint8_t *larger = realloc(bytes->at, capacity);
    if (larger == NULL) {
      bytes->failed = true;
      return NULL;
    }
    bytes->at = larger;
    bytes->capacity = capacity;
  }
  uint8_t *start = bytes->at + bytes->length;
  bytes->length += more;
  return start;
}

static void add(struct bytes *bytes, const void *from, size_t length)
{
  uint8_t *to = grow(bytes, length);
  if (to != NULL && length > 0) memcpy(to, from, length);
}

static void add32(struct bytes *bytes, int32_t value)
{
  uint8_t *to = grow(bytes, 4);
  if (to != NULL) put32(to, value);
}

static void add64(struct bytes *bytes, int64_t value)
{
  uint8_t *to = grow(bytes, 8);
  if (to != NULL) put64(to, value);
}

static void add_text(struct bytes *bytes, const char *text, size_t length)
{
  add32(bytes, (int32_t)length + 1);
  add(bytes, text, length);
  add(bytes, "", 1);
}

static bool is_length(uint32_t length) { return length <= MAX_EVENT_BYTES; }

/* Writes the bytes of a value, without its type and name. What is wrong with it, or NULL; data_fault looks at the rest. */
static const char *add_value(struct bytes *bytes, const bson_value_t *value)
{
  static const char too_long[] = "values of at most 16 MiB", missing[] = "a pointer to the bytes, got NULL";
  switch (value->value_type) {
  case BSON_TYPE_DOUBLE: {
    int64_t bits;
    memcpy(&bits, &value->value.v_double, sizeof bits);
    add64(bytes, bits);
    return NULL;
  }
  case BSON_TYPE_UTF8:
    if (!is_length(value->value.v_utf8.len)) return too_long;
    if (value->value.v_utf8.str == NULL) return missing;
    add_text(bytes, value->value.v_utf8.str, value->value.v_utf8.len);
    return NULL;
  case BSON_TYPE_CODE:
    if (!is_length(value->value.v_code.code_len)) return too_long;
    if (value->value.v_code.code == NULL) return missing;
    add_text(bytes, value->value.v_code.code, value->value.v_code.code_len);
    return NULL;
  case BSON_TYPE_DOCUMENT:
  case BSON_TYPE_ARRAY:
    if (!is_length(value->value.v_doc.data_len)) return too_long;
    if (value->value.v_doc.data == NULL) return missing;
    add(bytes, value->value.v_doc.data, value->value.v_doc.data_len);
    return NULL;
  case BSON_TYPE_BINARY: {
    uint8_t subtype = (uint8_t)value->value.v_binary.subtype;
    uint32_t length = value->value.v_binary.data_len;
    if (!is_length(length)) return too_long;
    if (value->value.v_binary.data == NULL && length > 0) return missing;
    /* Of the old subtype 2 the length stands before the bytes once more, which libbson leaves out. */
    add32(bytes, (int32_t)length + (subtype == 2 ? 4 : 0));
    add(bytes, &subtype, 1);
    if (subtype == 2) add32(bytes, (int32_t)length);
    add(bytes, value->value.v_binary.data, length);
    return NULL;
  }
  case BSON_TYPE_OID:
    add(bytes, value->value.v_oid.bytes, sizeof value->value.v_oid.bytes);
    return NULL;
  case BSON_TYPE_BOOL: {
    uint8_t yes = value->value.v_bool ? 1 : 0;
    add(bytes, &yes, 1);
    return NULL;
  }
  case BSON_TYPE_DATE_TIME:
    add64(bytes, value->value.v_datetime);
    return NULL;
  case BSON_TYPE_INT64:
    add64(bytes, value->value.v_int64);
    return NULL;
  case BSON_TYPE_INT32:
    add32(bytes, value->value.v_int32);
    return NULL;
  case BSON_TYPE_TIMESTAMP:
    add32(bytes, (int32_t)value->value.v_timestamp.increment);
    add32(bytes, (int32_t)value->value.v_timestamp.timestamp);
    return NULL;
  case BSON_TYPE_DECIMAL128:
    add64(bytes, (int64_t)value->value.v_decimal128.low);
    add64(bytes, (int64_t)value->value.v_decimal128.high);
    return NULL;
  case BSON_TYPE_REGEX:
    if (value->value.v_regex.regex == NULL) return missing;
    add(bytes, value->value.v_regex.regex, strlen(value->value.v_regex.regex) + 1);
    if (value->value.v_regex.options == NULL) add(bytes, "", 1);
    else add(bytes, value->value.v_regex.options, strlen(value->value.v_regex.options) + 1);
    return NULL;
  case BSON_TYPE_CODEWSCOPE: {
    uint32_t code = value->value.v_codewscope.code_len, scope = value->value.v_codewscope.scope_len;
    if (!is_length(code) || !is_length(scope)) return too_long;
    if (value->value.v_codewscope.code == NULL || value->value.v_codewscope.scope_data == NULL) return missing;
    add32(bytes, (int32_t)(4 + 4 + code + 1 + scope));
    add_text(bytes, value->value.v_codewscope.code, code);
    add(bytes, value->value.v_codewscope.scope_data, scope);
    return NULL;
  }
  case BSON_TYPE_NULL:
  case BSON_TYPE_MINKEY:
  case BSON_TYPE_MAXKEY:
    return NULL;
  case BSON_TYPE_EOD:
  case BSON_TYPE_UNDEFINED:
  case BSON_TYPE_DBPOINTER:
  case BSON_TYPE_SYMBOL:
  default:
    return "a BSON type that is not deprecated";
  }
}

/* ---- Events and headers ---- */

/* An event before it has a place in a message. `attributes` are the elements alone, without the document around them. */
struct event {
  int64_t time;
  uint8_t type;
  const uint8_t *data, *attributes;
  size_t data_length, attributes_length;
};

/* Length and its zero, the time, the head of the data. */
enum { EVENT_BYTES = 4 + 6 + 8 + 6 + 1 };

static size_t event_length(const struct event *event)
{
  return EVENT_BYTES + event->data_length + event->attributes_length;
}

/* Section 5. */
static void write_event(uint8_t *at, const struct event *event)
{
  put32(at, (int32_t)event_length(event));
  memcpy(at + 4, "\x09time", 6);
  put64(at + 10, event->time);
  at[18] = event->type;
  memcpy(at + 19, "data", 5);
  at += 24;
  if (event->data_length > 0) memcpy(at, event->data, event->data_length);
  at += event->data_length;
  if (event->attributes_length > 0) memcpy(at, event->attributes, event->attributes_length);
  at[event->attributes_length] = 0;
}

/* Section 4; `beat` is 0 for messages with events. Returns the header's length, which `at` must have room for. */
static size_t write_header(uint8_t *at, const char *source, size_t source_length, int64_t epoch, int64_t seq,
                           int32_t count, int64_t beat)
{
  size_t length = HEADER_BYTES + source_length + (beat > 0 ? BEAT_BYTES : 0);
  put32(at, (int32_t)length);
  memcpy(at + 4, "\x10v", 3);
  put32(at + 7, 1);
  memcpy(at + 11, "\x12" "epoch", 7);
  put64(at + 18, epoch);
  memcpy(at + 26, "\x12seq", 5);
  put64(at + 31, seq);
  memcpy(at + 39, "\x10n", 3);
  put32(at + 42, count);
  memcpy(at + 46, "\x02source", 8);
  put32(at + 54, (int32_t)source_length + 1);
  memcpy(at + 58, source, source_length);
  at[58 + source_length] = 0;
  if (beat > 0) {
    memcpy(at + 59 + source_length, "\x12" "beat", 6);
    put64(at + 65 + source_length, beat);
  }
  at[length - 1] = 0;
  return length;
}

/* ---- Keys ---- */

struct keys {
  char public_key[KEY_CHARACTERS + 1], secret_key[KEY_CHARACTERS + 1];
};

/* Clears secrets in a way that no compiler leaves out. */
static void wipe(void *at, size_t length)
{
  volatile uint8_t *each = at;
  while (length-- > 0) *each++ = 0;
}

static bool is_key(const char *text)
{
  uint8_t bytes[32];
  /* zmq_z85_decode does not look past what it needs. */
  bool is = strlen(text) == KEY_CHARACTERS && zmq_z85_decode(bytes, text) != NULL;
  wipe(bytes, sizeof bytes);
  return is;
}

/*
 * Finds the line of two words whose first is `first`, or any when that is NULL, and has its second as a key in `key`. Returns
 * what is wrong, or NULL.
 */
static const char *find_key(const char *text, const char *first, char *key)
{
  for (const char *line = text; *line != 0;) {
    size_t length = strcspn(line, "\n");
    char word[2][128] = {"", ""};
    char copy[300] = "";
    if (length < sizeof copy) memcpy(copy, line, length);
    int words = sscanf(copy, " %127s %127s", word[0], word[1]);
    wipe(copy, sizeof copy);
    bool comment = words > 0 && strcmp(word[0], "#") == 0;
    bool found = words == 2 && !comment && (first == NULL || strcmp(word[0], first) == 0) && is_key(word[1]);
    if (found) memcpy(key, word[1], KEY_CHARACTERS + 1);
    wipe(word, sizeof word);
    if (found) return NULL;
    line += length;
    if (*line == '\n') line++;
  }
  return first == NULL ? "a line NAME KEY" : "lines \"public KEY\" and \"secret KEY\"";
}

/* Reads a whole small file as text. Returns 0 or the system's error number. */
static int read_file(const char *path, char *text, size_t size, mode_t *mode)
{
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno;
  struct stat about;
  int error = fstat(file, &about) == 0 ? 0 : errno;
  size_t length = 0;
  while (error == 0 && length < size - 1) {
    ssize_t got = read(file, text + length, size - 1 - length);
    if (got > 0) length += (size_t)got;
    else if (got == 0) break;
    else if (errno != EINTR) error = errno;
  }
  text[length] = 0;
  if (error == 0) *mode = about.st_mode;
  close(file);
  return error;
}

static int read_key_pair(const char *path, struct keys *keys)
{
  char *text = malloc(MAX_KEY_FILE_BYTES);
  if (text == NULL) return fail(EVENTSTORM_NO_MEMORY, "no memory for a file of keys");
  mode_t mode = 0;
  int code = EVENTSTORM_OK, error = read_file(path, text, MAX_KEY_FILE_BYTES, &mode);
  const char *wrong = NULL;
  if (error != 0) {
    code = fail(EVENTSTORM_KEY_INVALID, "expected a file with keys at %s, got error %d", path, error);
  } else if ((wrong = find_key(text, "public", keys->public_key)) != NULL ||
             (wrong = find_key(text, "secret", keys->secret_key)) != NULL) {
    code = fail(EVENTSTORM_KEY_INVALID, "expected %s in %s; make such a file with eventstorm keygen", wrong, path);
  } else if ((mode & 04) != 0) {
    code = fail(EVENTSTORM_KEY_INVALID, "expected %s to be for its owner alone: chmod 600 %s", path, path);
  }
  wipe(text, MAX_KEY_FILE_BYTES);
  free(text);
  return code;
}

/* A public key as it is or as a file; a file that is there is a file, even if its path looks like a key. */
static int read_public_key(const char *given, char *key)
{
  struct stat about;
  if (is_key(given) && stat(given, &about) != 0) {
    memcpy(key, given, KEY_CHARACTERS + 1);
    return EVENTSTORM_OK;
  }
  char text[1024];
  mode_t mode;
  int error = read_file(given, text, sizeof text, &mode);
  if (error != 0) return fail(EVENTSTORM_KEY_INVALID, "expected a key or a file NAME.pub, got error %d for %s", error, given);
  const char *wrong = find_key(text, NULL, key);
  if (wrong != NULL) return fail(EVENTSTORM_KEY_INVALID, "expected %s in %s", wrong, given);
  return EVENTSTORM_OK;
}

/* ---- What is wanted ---- */

/* A hash that goes on byte by byte (FNV-1a), from a start that strangers do not know. */
static uint64_t hash_on(uint64_t hash, uint8_t byte) { return (hash ^ byte) * UINT64_C(0x100000001b3); }

static size_t slot_of(uint64_t hash, size_t slots) { return (size_t)(hash ^ hash >> 32) & (slots - 1); }

/* A prefix that somebody has subscribed to. */
struct prefix {
  struct prefix *next;
  uint64_t hash;
  size_t length;
  uint8_t bytes[];
};

struct interest {
  struct prefix **slots;
  size_t slot_count, count;
  uint64_t seed;
  /* Changes whenever the prefixes do. */
  uint64_t version;
  /* There are more prefixes than are remembered, so every type counts as wanted. */
  bool overflowed;
};

static uint64_t hash_of(const struct interest *interest, const uint8_t *bytes, size_t length)
{
  uint64_t hash = interest->seed;
  for (size_t i = 0; i < length; i++) hash = hash_on(hash, bytes[i]);
  return hash;
}

static struct prefix **find_prefix(const struct interest *interest, uint64_t hash, const uint8_t *bytes, size_t length)
{
  struct prefix **at = &interest->slots[slot_of(hash, interest->slot_count)];
  while (*at != NULL && ((*at)->hash != hash || (*at)->length != length || memcmp((*at)->bytes, bytes, length) != 0)) {
    at = &(*at)->next;
  }
  return at;
}

static bool open_interest(struct interest *interest, uint64_t seed)
{
  *interest = (struct interest){.slot_count = 64, .seed = seed, .version = 1};
  interest->slots = calloc(interest->slot_count, sizeof *interest->slots);
  return interest->slots != NULL;
}

static void close_interest(struct interest *interest)
{
  for (size_t i = 0; interest->slots != NULL && i < interest->slot_count; i++) {
    for (struct prefix *each = interest->slots[i], *next; each != NULL; each = next) {
      next = each->next;
      free(each);
    }
  }
  free(interest->slots);
}

/* Twice the slots; without memory the chains get longer instead. */
static void widen_interest(struct interest *interest)
{
  size_t slot_count = 2 * interest->slot_count;
  struct prefix **slots = calloc(slot_count, sizeof *slots);
  if (slots == NULL) return;
  for (size_t i = 0; i < interest->slot_count; i++) {
    for (struct prefix *each = interest->slots[i], *next; each != NULL; each = next) {
      next = each->next;
      each->next = slots[slot_of(each->hash, slot_count)];
      slots[slot_of(each->hash, slot_count)] = each;
    }
  }
  free(interest->slots);
  interest->slots = slots;
  interest->slot_count = slot_count;
}

/* XPUB tells the first subscription to a prefix, and the end of the last one. */
static void change_interest(struct interest *interest, const uint8_t *bytes, size_t length, bool wanted)
{
  uint64_t hash = hash_of(interest, bytes, length);
  struct prefix **at = find_prefix(interest, hash, bytes, length);
  if (!wanted) {
    struct prefix *gone = *at;
    if (gone == NULL) return;
    *at = gone->next;
    free(gone);
    interest->count--;
  } else if (*at == NULL) {
    struct prefix *prefix = interest->count < MAX_PREFIXES ? malloc(sizeof *prefix + length) : NULL;
    if (prefix == NULL) {
      interest->overflowed = true;
    } else {
      *prefix = (struct prefix){.next = NULL, .hash = hash, .length = length};
      if (length > 0) memcpy(prefix->bytes, bytes, length);
      *at = prefix;
      if (++interest->count > interest->slot_count) widen_interest(interest);
    }
  }
  interest->version++;
}

/* Section 8: the empty prefix does not ask for reserved types. */
static bool is_wanted(const struct interest *interest, const char *type, size_t length)
{
  const uint8_t *bytes = (const uint8_t *)type;
  if (interest->overflowed) return true;
  if (interest->count == 0) return false;
  uint64_t hash = interest->seed;
  for (size_t i = 0;; i++) {
    if ((i > 0 || type[0] != '_') && *find_prefix(interest, hash, bytes, i) != NULL) return true;
    if (i == length) return false;
    hash = hash_on(hash, bytes[i]);
  }
}

/* ---- Buffers ---- */

/*
 * Buffers of one size, that of a full message, which come back from ZeroMQ and are taken for the next messages: memory that is
 * fresh from the system costs more than what is written into it. The lock is taken last of all, for a moment.
 */
struct pool {
  pthread_mutex_t lock;
  size_t size, count, most;
  struct spare *first;
};

/* What stands in a buffer that is not in use. */
struct spare {
  struct spare *next;
};

static void open_pool(struct pool *pool, size_t size, size_t most)
{
  *pool = (struct pool){.size = size, .most = most};
  pthread_mutex_init(&pool->lock, NULL);
}

static void close_pool(struct pool *pool)
{
  for (struct spare *each = pool->first, *next; each != NULL; each = next) {
    next = each->next;
    free(each);
  }
  pthread_mutex_destroy(&pool->lock);
}

static uint8_t *take_buffer(struct pool *pool, size_t size)
{
  struct spare *spare = NULL;
  if (size == pool->size) {
    pthread_mutex_lock(&pool->lock);
    spare = pool->first;
    if (spare != NULL) {
      pool->first = spare->next;
      pool->count--;
    }
    pthread_mutex_unlock(&pool->lock);
  }
  return spare != NULL ? (uint8_t *)spare : malloc(size);
}

/* A buffer of the pool's size is done with. ZeroMQ calls this from any thread. */
static void give_back(void *buffer, void *of)
{
  struct pool *pool = of;
  pthread_mutex_lock(&pool->lock);
  bool kept = pool->count < pool->most;
  if (kept) {
    struct spare *spare = buffer;
    spare->next = pool->first;
    pool->first = spare;
    pool->count++;
  }
  pthread_mutex_unlock(&pool->lock);
  if (!kept) free(buffer);
}

/* Any other buffer is. */
static void give_up(void *buffer, void *of)
{
  (void)of;
  free(buffer);
}

/* ---- Streams and the queue ---- */

struct stream {
  struct stream *next_in_slot, *next_of_all, *next_filling;
  uint64_t hash;
  /* The message that takes the next event; NULL when there is none. */
  struct message *open;
  /* The number of the next event. */
  int64_t next;
  int64_t beat;
  /* Looks until the next heartbeat, and from that to the one behind it. */
  int beat_in, beat_pause;
  /* Messages that are not sent yet, the open one with them. */
  size_t waiting;
  /* Memory that a message takes at first: what the last ones needed. */
  size_t expected;
  uint64_t interest_version;
  bool wanted, filling, reserved;
  size_t length;
  char type[];
};

struct message {
  struct message *next;
  struct stream *stream;
  uint8_t *bytes;
  size_t length, capacity;
  int64_t seq;
  int32_t count;
};

/* How deep the thread sleeps: not at all, until a message is full, or until there is anything. */
enum sleep { AWAKE, LINGERING, IDLE, NEVER };

struct eventstorm_source {
  struct eventstorm_options options;
  char name[MAX_NAME + 1];
  size_t name_length, header_length;
  int64_t epoch;
  unsigned long forks;

  /* The thread's alone. */
  void *context, *socket;
  pthread_t thread;
  bool in_rest_of_message;

  /* A byte through this pipe wakes the thread. */
  int wake[2];

  /* Has a lock of its own. */
  struct pool pool;

  /* Everything below is guarded by the lock. */
  pthread_mutex_t lock;
  /* The interest has changed, or a flush is through. */
  pthread_cond_t changed;
  struct interest interest;
  struct stream **slots;
  size_t slot_count, stream_count;
  struct stream *first_stream, **last_stream;
  struct stream *report;
  /* Streams with an open message. */
  struct stream *filling;
  struct message *ready, **last_ready;
  enum sleep sleep;
  bool flush_wanted, closing;
  uint64_t flushes_begun, flushes_done;
  int64_t close_by;
  uint64_t looked_at_version;
  eventstorm_counters counters;
};

static struct stream *new_stream(const struct eventstorm_source *source, const char *type, size_t length, uint64_t hash)
{
  struct stream *stream = calloc(1, sizeof *stream + length + 1);
  if (stream == NULL) return NULL;
  stream->hash = hash;
  stream->beat_pause = 1;
  stream->expected = FIRST_MESSAGE_BYTES + source->header_length;
  stream->reserved = type[0] == '_';
  stream->length = length;
  memcpy(stream->type, type, length);
  return stream;
}

static void append_stream(struct eventstorm_source *source, struct stream *stream)
{
  *source->last_stream = stream;
  source->last_stream = &stream->next_of_all;
}

static bool widen_streams(struct eventstorm_source *source)
{
  size_t slot_count = 2 * source->slot_count;
  struct stream **slots = calloc(slot_count, sizeof *slots);
  if (slots == NULL) return false;
  for (struct stream *each = source->first_stream; each != NULL; each = each->next_of_all) {
    if (each->reserved) continue;
    each->next_in_slot = slots[slot_of(each->hash, slot_count)];
    slots[slot_of(each->hash, slot_count)] = each;
  }
  free(source->slots);
  source->slots = slots;
  source->slot_count = slot_count;
  return true;
}

/* The stream of a type, made when it is not there. A stream stays for good: its numbers must not begin again. */
static int find_stream(struct eventstorm_source *source, const char *type, struct stream **found)
{
  uint64_t hash = source->interest.seed;
  size_t length = 0;
  for (; type[length] != 0 && length <= MAX_NAME; length++) hash = hash_on(hash, (uint8_t)type[length]);
  for (struct stream *at = source->slots[slot_of(hash, source->slot_count)]; at != NULL; at = at->next_in_slot) {
    if (at->hash == hash && at->length == length && memcmp(at->type, type, length) == 0) {
      *found = at;
      return EVENTSTORM_OK;
    }
  }
  if (!is_type(type) || type[0] == '_') {
    return fail(EVENTSTORM_TYPE_INVALID, "expected an event type such as order.placed, not reserved by a leading _");
  }
  if (source->stream_count >= source->options.max_types) {
    return fail(EVENTSTORM_TOO_MANY_TYPES, "expected at most %zu event types; see max_types", source->options.max_types);
  }
  if (source->stream_count >= source->slot_count) widen_streams(source);
  struct stream *stream = new_stream(source, type, length, hash);
  if (stream == NULL) return fail(EVENTSTORM_NO_MEMORY, "no memory for another event type");
  size_t slot = slot_of(hash, source->slot_count);
  stream->next_in_slot = source->slots[slot];
  source->slots[slot] = stream;
  append_stream(source, stream);
  source->stream_count++;
  *found = stream;
  return EVENTSTORM_OK;
}

static bool stream_is_wanted(struct eventstorm_source *source, struct stream *stream)
{
  if (stream->interest_version != source->interest.version) {
    stream->wanted = is_wanted(&source->interest, stream->type, stream->length);
    stream->interest_version = source->interest.version;
  }
  return stream->wanted;
}

/* Whether the thread sleeps at least so deep, and has to be woken by whoever asked, once the lock is free. */
static bool must_wake(struct eventstorm_source *source, enum sleep from)
{
  if (source->sleep < from) return false;
  source->sleep = AWAKE;
  return true;
}

static void wake(struct eventstorm_source *source)
{
  /* A full pipe wakes as well. */
  while (write(source->wake[1], "", 1) < 0 && errno == EINTR) continue;
}

/* The open message of a stream takes no more. */
static void seal(struct eventstorm_source *source, struct stream *stream)
{
  struct message *message = stream->open;
  if (message == NULL) return;
  stream->open = NULL;
  stream->expected = message->length + message->length / 2;
  if (stream->expected > source->options.batch_bytes) stream->expected = source->options.batch_bytes;
  if (stream->expected < FIRST_MESSAGE_BYTES) stream->expected = FIRST_MESSAGE_BYTES;
  *source->last_ready = message;
  source->last_ready = &message->next;
}

/* Takes so much of the queue, unless it is full. */
static bool take_room(struct eventstorm_source *source, size_t bytes)
{
  if (source->counters.queued_bytes + bytes > source->options.queue_bytes) return false;
  source->counters.queued_bytes += bytes;
  return true;
}

/* What takes most of a buffer of the pool takes all of one. */
static size_t rounded(const struct eventstorm_source *source, size_t capacity)
{
  size_t whole = source->pool.size;
  return capacity > whole / 2 && capacity < whole ? whole : capacity;
}

static struct message *open_message(struct eventstorm_source *source, struct stream *stream, size_t length)
{
  size_t capacity = source->header_length + length;
  if (capacity < stream->expected) capacity = stream->expected;
  capacity = rounded(source, capacity);
  if (!take_room(source, capacity)) return NULL;
  struct message *message = malloc(sizeof *message);
  uint8_t *bytes = message == NULL ? NULL : take_buffer(&source->pool, capacity);
  if (bytes == NULL) {
    free(message);
    source->counters.queued_bytes -= capacity;
    return NULL;
  }
  *message = (struct message){.stream = stream,
                              .bytes = bytes,
                              .length = source->header_length,
                              .capacity = capacity,
                              .seq = stream->next};
  stream->open = message;
  stream->waiting++;
  if (!stream->filling) {
    stream->filling = true;
    stream->next_filling = source->filling;
    source->filling = stream;
  }
  return message;
}

static bool enlarge(struct eventstorm_source *source, struct message *message, size_t length)
{
  size_t needed = message->length + length;
  size_t capacity = 2 * message->capacity;
  if (capacity > source->options.batch_bytes) capacity = source->options.batch_bytes;
  if (capacity < needed) capacity = needed;
  capacity = rounded(source, capacity);
  if (!take_room(source, capacity - message->capacity)) return false;
  uint8_t *larger = take_buffer(&source->pool, capacity);
  if (larger == NULL) {
    source->counters.queued_bytes -= capacity - message->capacity;
    return false;
  }
  memcpy(larger, message->bytes, message->length);
  free(message->bytes);
  message->bytes = larger;
  message->capacity = capacity;
  return true;
}

/* Gives an event its number and its place, or drops it. Has in `woken` whether the thread must be woken. */
static int enqueue(struct eventstorm_source *source, struct stream *stream, const struct event *event, bool *woken)
{
  const struct eventstorm_options *options = &source->options;
  size_t length = event_length(event);
  struct message *message = stream->open;
  bool idle = source->filling == NULL;
  if (message != NULL &&
      (message->count >= options->batch_events || message->length + length > options->batch_bytes)) {
    seal(source, stream);
    message = NULL;
  }
  if (message == NULL) message = open_message(source, stream, length);
  else if (message->length + length > message->capacity && !enlarge(source, message, length)) message = NULL;
  stream->beat_in = 0;
  stream->beat_pause = 1;
  if (message == NULL) {
    /* The numbers of a message are without a gap, so the next event begins another one. */
    seal(source, stream);
    stream->next++;
    source->counters.dropped++;
    *woken = must_wake(source, LINGERING);
    return EVENTSTORM_DROPPED;
  }
  write_event(message->bytes + message->length, event);
  message->length += length;
  message->count++;
  stream->next++;
  source->counters.queued++;
  if (message->count >= options->batch_events || message->length >= options->batch_bytes) seal(source, stream);
  *woken = must_wake(source, source->ready != NULL ? LINGERING : idle ? IDLE : NEVER);
  return EVENTSTORM_OK;
}

/* ---- The thread ---- */

/* Hands two frames to ZeroMQ, which never waits and owns `bytes` of so large a buffer from here on. */
static void send_frames(struct eventstorm_source *source, const struct stream *stream, uint8_t *bytes, size_t length,
                        size_t capacity)
{
  zmq_msg_t type, body;
  zmq_free_fn *done = capacity == source->pool.size ? give_back : give_up;
  if (zmq_msg_init_data(&body, bytes, length, done, &source->pool) != 0) {
    done(bytes, &source->pool);
    return;
  }
  if (zmq_msg_init_size(&type, stream->length) != 0) {
    zmq_msg_close(&body);
    return;
  }
  memcpy(zmq_msg_data(&type), stream->type, stream->length);
  bool begun = zmq_msg_send(&type, source->socket, ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0;
  if (!begun || zmq_msg_send(&body, source->socket, ZMQ_DONTWAIT) < 0) zmq_msg_close(&body);
  if (!begun) zmq_msg_close(&type);
}

/* Sends everything that is ready. Called with the lock, which it gives back while it sends. */
static void send_ready(struct eventstorm_source *source)
{
  while (source->ready != NULL) {
    struct message *batch = source->ready;
    source->ready = NULL;
    source->last_ready = &source->ready;
    pthread_mutex_unlock(&source->lock);
    for (struct message *each = batch; each != NULL; each = each->next) {
      write_header(each->bytes, source->name, source->name_length, source->epoch, each->seq, each->count, 0);
      send_frames(source, each->stream, each->bytes, each->length, each->capacity);
    }
    pthread_mutex_lock(&source->lock);
    for (struct message *each = batch, *next; each != NULL; each = next) {
      next = each->next;
      each->stream->waiting--;
      source->counters.queued -= (uint64_t)each->count;
      source->counters.queued_bytes -= each->capacity;
      source->counters.sent += (uint64_t)each->count;
      source->counters.bytes += each->length;
      source->counters.messages++;
      free(each);
    }
  }
}

static void seal_all(struct eventstorm_source *source)
{
  struct stream *each = source->filling;
  source->filling = NULL;
  for (struct stream *next; each != NULL; each = next) {
    next = each->next_filling;
    each->filling = false;
    seal(source, each);
  }
}

/* Takes what subscribers have sent. Without the lock. */
static void read_subscriptions(struct eventstorm_source *source)
{
  for (int i = 0; i < FRAMES_AT_ONCE; i++) {
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, source->socket, ZMQ_DONTWAIT) < 0) {
      zmq_msg_close(&frame);
      return;
    }
    const uint8_t *bytes = zmq_msg_data(&frame);
    size_t length = zmq_msg_size(&frame);
    bool first = !source->in_rest_of_message;
    source->in_rest_of_message = zmq_msg_more(&frame) != 0;
    pthread_mutex_lock(&source->lock);
    if (first && !source->in_rest_of_message && length > 0 && bytes[0] <= 1) {
      change_interest(&source->interest, bytes + 1, length - 1, bytes[0] == 1);
      source->counters.subscriptions = source->interest.count;
      pthread_cond_broadcast(&source->changed);
    } else {
      source->counters.foreign++;
    }
    pthread_mutex_unlock(&source->lock);
    zmq_msg_close(&frame);
  }
}

/* Sends one event of our own, at once and past the queue. With the lock. */
static void tell(struct eventstorm_source *source, struct stream *stream, struct bytes *data)
{
  struct event event = {.time = clock_in(CLOCK_REALTIME, 1000),
                        .type = BSON_TYPE_DOCUMENT,
                        .data = data->at,
                        .data_length = data->length};
  size_t length = source->header_length + event_length(&event);
  uint8_t *bytes = malloc(length);
  if (bytes == NULL) return;
  write_header(bytes, source->name, source->name_length, source->epoch, stream->next, 1, 0);
  write_event(bytes + source->header_length, &event);
  stream->next++;
  stream->beat_in = 0;
  stream->beat_pause = 1;
  source->counters.reports++;
  send_frames(source, stream, bytes, length, length);
}

static void add_number(struct bytes *bytes, const char *name, uint64_t value)
{
  add(bytes, "\x12", 1);
  add(bytes, name, strlen(name) + 1);
  add64(bytes, (int64_t)value);
}

/* Section 3: what was sent, for whoever adds up what has arrived. With the lock, which it gives back between two reports. */
static void tell_report(struct eventstorm_source *source, bool ended)
{
  if (!stream_is_wanted(source, source->report)) return;
  struct stream *at = source->first_stream;
  do {
    struct bytes data = {0};
    const eventstorm_counters *counters = &source->counters;
    add32(&data, 0);
    add_number(&data, "sent", counters->sent + counters->dropped + counters->queued);
    add_number(&data, "unwanted", counters->unwanted);
    add_number(&data, "dropped", 0);
    add_number(&data, "every", (uint64_t)source->options.heartbeat_ms);
    if (ended) add(&data, "\x08" "ended\0\x01", 8);
    add(&data, "\x04streams", 9);
    size_t list = data.length;
    add32(&data, 0);
    for (int i = 0; at != NULL && i < STREAMS_IN_REPORT; at = at->next_of_all) {
      if (at->reserved || at->next == 0) continue;
      char key[16];
      int key_length = snprintf(key, sizeof key, "\x03%d", i++);
      add(&data, key, (size_t)key_length + 1);
      size_t stream = data.length;
      add32(&data, 0);
      add(&data, "\x02type", 6);
      add_text(&data, at->type, at->length);
      add_number(&data, "sent", (uint64_t)at->next);
      add(&data, "", 1);
      if (!data.failed) put32(data.at + stream, (int32_t)(data.length - stream));
    }
    add(&data, "", 1);
    if (!data.failed) put32(data.at + list, (int32_t)(data.length - list));
    add(&data, "", 1);
    if (!data.failed) {
      put32(data.at, (int32_t)data.length);
      tell(source, source->report, &data);
    }
    free(data.at);
    pthread_mutex_unlock(&source->lock);
    pthread_mutex_lock(&source->lock);
  } while (at != NULL);
}

struct due {
  struct stream *stream;
  int64_t seq, beat;
};

/* Section 7. With the lock, which it gives back now and then. */
static void send_heartbeats(struct eventstorm_source *source, bool all)
{
  struct due due[BEATS_AT_ONCE];
  struct stream *at = source->first_stream;
  while (at != NULL) {
    size_t count = 0;
    for (; at != NULL && count < BEATS_AT_ONCE; at = at->next_of_all) {
      /* What waits will tell how far the stream is; until then it is not as far. */
      if (at->next == 0 || at->waiting > 0) continue;
      if (!all && at->beat_in-- > 0) continue;
      at->beat_in = at->beat_pause - 1;
      at->beat_pause = at->beat_pause * 2 < MAX_BEAT_PAUSE ? at->beat_pause * 2 : MAX_BEAT_PAUSE;
      if (!stream_is_wanted(source, at)) continue;
      due[count++] = (struct due){.stream = at, .seq = at->next, .beat = ++at->beat};
    }
    source->counters.heartbeats += count;
    pthread_mutex_unlock(&source->lock);
    for (size_t i = 0; i < count; i++) {
      size_t length = source->header_length + BEAT_BYTES;
      uint8_t *bytes = malloc(length);
      if (bytes == NULL) continue;
      write_header(bytes, source->name, source->name_length, source->epoch, due[i].seq, 0, due[i].beat);
      send_frames(source, due[i].stream, bytes, length, length);
    }
    pthread_mutex_lock(&source->lock);
  }
}

static void look(struct eventstorm_source *source)
{
  /* Whoever has just subscribed learns where the streams stand. */
  bool renewed = source->looked_at_version != source->interest.version;
  source->looked_at_version = source->interest.version;
  tell_report(source, false);
  send_heartbeats(source, renewed);
}

/* Waits for the network, for a byte in the pipe, or so long. Without the lock. */
static void sleep_until(struct eventstorm_source *source, int64_t when)
{
  zmq_pollitem_t items[] = {{.socket = source->socket, .events = ZMQ_POLLIN},
                            {.fd = source->wake[0], .events = ZMQ_POLLIN}};
  int64_t ms = when - monotonic_ms();
  zmq_poll(items, 2, ms > 0 ? (long)ms : 0);
  uint8_t bytes[64];
  while (read(source->wake[0], bytes, sizeof bytes) > 0) continue;
}

static void *run(void *argument)
{
  struct eventstorm_source *source = argument;
  int64_t next_look = monotonic_ms() + source->options.heartbeat_ms;
  /* When what is open has waited long enough; 0 while nothing is. */
  int64_t linger_until = 0;
  pthread_mutex_lock(&source->lock);
  while (!source->closing) {
    bool nap = false;
    int64_t now = monotonic_ms();
    if (source->filling != NULL && linger_until == 0) linger_until = now + source->options.linger_ms;
    if (source->flush_wanted || (linger_until != 0 && now >= linger_until)) {
      bool flushing = source->flush_wanted;
      source->flush_wanted = false;
      if (flushing) source->flushes_begun++;
      linger_until = 0;
      seal_all(source);
      send_ready(source);
      if (flushing) {
        source->flushes_done = source->flushes_begun;
        pthread_cond_broadcast(&source->changed);
      }
    } else {
      /* Who fills messages goes on filling them: the next ones leave together, instead of a wake for each. */
      nap = source->ready != NULL;
      send_ready(source);
    }
    now = monotonic_ms();
    if (now >= next_look) {
      look(source);
      next_look = now + source->options.heartbeat_ms;
    }
    bool busy = source->closing || source->flush_wanted || source->ready != NULL ||
                (source->filling != NULL && linger_until == 0);
    source->sleep = busy || nap ? AWAKE : source->filling != NULL ? LINGERING : IDLE;
    pthread_mutex_unlock(&source->lock);
    int64_t until = linger_until != 0 && linger_until < next_look ? linger_until : next_look;
    if (nap && now + 1 < until) until = now + 1;
    if (!busy) sleep_until(source, until);
    read_subscriptions(source);
    pthread_mutex_lock(&source->lock);
    source->sleep = AWAKE;
  }
  seal_all(source);
  send_ready(source);
  tell_report(source, true);
  send_heartbeats(source, true);
  int64_t close_by = source->close_by;
  pthread_mutex_unlock(&source->lock);
  int64_t left = close_by == INT64_MAX ? -1 : close_by - monotonic_ms();
  int linger = close_by == INT64_MAX ? -1 : left < 0 ? 0 : (int)left;
  zmq_setsockopt(source->socket, ZMQ_LINGER, &linger, sizeof linger);
  zmq_close(source->socket);
  return NULL;
}

/* ---- What the header promises ---- */

/* A child has the memory of its parent but not its threads, and perhaps a lock that nobody will ever give back. */
static atomic_ulong forks;

static void count_fork(void) { atomic_fetch_add(&forks, 1); }

static void watch_forks(void) { pthread_atfork(NULL, NULL, count_fork); }

static int check_source(const struct eventstorm_source *source)
{
  if (source == NULL) return fail(EVENTSTORM_ARGUMENT_INVALID, "expected a source, got NULL");
  if (source->forks == atomic_load(&forks)) return EVENTSTORM_OK;
  return fail(EVENTSTORM_FORKED, "the source was opened before this process was forked; open one after that");
}

static int check_options(const eventstorm_options *options)
{
  const struct {
    const char *name;
    long long value, least, most;
  } limits[] = {
      {"linger_ms", options->linger_ms, 0, 60000},
      {"batch_events", options->batch_events, 1, 1000000},
      {"batch_bytes", (long long)options->batch_bytes, 1024, 4 * 1024 * 1024},
      {"max_event_bytes", (long long)options->max_event_bytes, 64, MAX_EVENT_BYTES},
      {"max_types", (long long)options->max_types, 1, 10000000},
      {"heartbeat_ms", options->heartbeat_ms, 10, 3600000},
      {"send_high_water_mark", options->send_high_water_mark, 1, INT_MAX},
      {"reconnect_ms", options->reconnect_ms, 1, 3600000},
  };
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    if (limits[i].value >= limits[i].least && limits[i].value <= limits[i].most) continue;
    return fail(EVENTSTORM_OPTIONS_INVALID, "expected %s to be %lld to %lld, got %lld", limits[i].name, limits[i].least,
                limits[i].most, limits[i].value);
  }
  size_t most = options->batch_bytes > options->max_event_bytes ? options->batch_bytes : options->max_event_bytes;
  if (options->queue_bytes < most + 1024 || options->queue_bytes > SIZE_MAX / 2) {
    return fail(EVENTSTORM_OPTIONS_INVALID, "expected queue_bytes to hold max_event_bytes and batch_bytes, and 1024 more");
  }
  if ((options->key == NULL) != (options->server_keys == NULL || options->server_keys[0] == NULL)) {
    return fail(EVENTSTORM_OPTIONS_INVALID, "expected both of key and server_keys, or none");
  }
  return EVENTSTORM_OK;
}

static size_t count_texts(const char *const *texts)
{
  size_t count = 0;
  while (texts != NULL && texts[count] != NULL) count++;
  return count;
}

static bool set_int(void *socket, int option, int value)
{
  return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

/* Section 12. */
static bool set_socket(struct eventstorm_source *source)
{
  void *socket = source->socket;
  int64_t most = MAX_SUBSCRIPTION_BYTES;
  int reconnect_max = source->options.reconnect_ms > RECONNECT_MAX_MS ? source->options.reconnect_ms : RECONNECT_MAX_MS;
  return set_int(socket, ZMQ_SNDHWM, source->options.send_high_water_mark) && set_int(socket, ZMQ_RCVHWM, 0) &&
         set_int(socket, ZMQ_IMMEDIATE, 1) && set_int(socket, ZMQ_LINGER, 0) && set_int(socket, ZMQ_SNDTIMEO, 0) &&
         set_int(socket, ZMQ_RECONNECT_IVL, source->options.reconnect_ms) &&
         set_int(socket, ZMQ_RECONNECT_IVL_MAX, reconnect_max) && set_int(socket, ZMQ_TCP_KEEPALIVE, 1) &&
         set_int(socket, ZMQ_TCP_KEEPALIVE_IDLE, 30) && set_int(socket, ZMQ_TCP_KEEPALIVE_INTVL, 10) &&
         set_int(socket, ZMQ_TCP_KEEPALIVE_CNT, 3) &&
         zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof most) == 0;
}

static int dial(struct eventstorm_source *source, const char *const *endpoints)
{
  const char *const standard[] = {DEFAULT_ENDPOINT, NULL};
  if (endpoints == NULL || endpoints[0] == NULL) endpoints = standard;
  const eventstorm_options *options = &source->options;
  size_t count = count_texts(endpoints), server_keys = count_texts(options->server_keys);
  if (options->key != NULL) {
    if (server_keys != 1 && server_keys != count) {
      return fail(EVENTSTORM_OPTIONS_INVALID, "expected one of server_keys for all endpoints, or %zu, got %zu", count,
                  server_keys);
    }
    struct keys keys;
    int code = read_key_pair(options->key, &keys);
    bool set = code == EVENTSTORM_OK &&
               zmq_setsockopt(source->socket, ZMQ_CURVE_PUBLICKEY, keys.public_key, KEY_CHARACTERS + 1) == 0 &&
               zmq_setsockopt(source->socket, ZMQ_CURVE_SECRETKEY, keys.secret_key, KEY_CHARACTERS + 1) == 0;
    wipe(&keys, sizeof keys);
    if (code != EVENTSTORM_OK) return code;
    if (!set) return fail(EVENTSTORM_SYSTEM, "expected a libzmq with CURVE, got: %s", zmq_strerror(errno));
  }
  for (size_t i = 0; i < count; i++) {
    if (options->key != NULL) {
      char key[KEY_CHARACTERS + 1];
      int code = read_public_key(options->server_keys[server_keys == 1 ? 0 : i], key);
      if (code != EVENTSTORM_OK) return code;
      zmq_setsockopt(source->socket, ZMQ_CURVE_SERVERKEY, key, sizeof key);
    }
    bool known = strncmp(endpoints[i], "tcp://", 6) == 0 || strncmp(endpoints[i], "ipc://", 6) == 0;
    if (!known || zmq_connect(source->socket, endpoints[i]) != 0) {
      return fail(EVENTSTORM_ENDPOINT_INVALID, "expected tcp://host:port or ipc://path, got %.200s", endpoints[i]);
    }
  }
  return EVENTSTORM_OK;
}

static void close_pipe(const int ends[2])
{
  if (ends[0] >= 0) close(ends[0]);
  if (ends[1] >= 0) close(ends[1]);
}

static bool open_pipe(int ends[2])
{
  if (pipe(ends) != 0) return false;
  for (int i = 0; i < 2; i++) {
    if (fcntl(ends[i], F_SETFL, O_NONBLOCK) == 0 && fcntl(ends[i], F_SETFD, FD_CLOEXEC) == 0) continue;
    close_pipe(ends);
    ends[0] = ends[1] = -1;
    return false;
  }
  return true;
}

static void free_source(struct eventstorm_source *source)
{
  if (source->context != NULL) zmq_ctx_term(source->context);
  close_pipe(source->wake);
  for (struct stream *each = source->first_stream, *next; each != NULL; each = next) {
    next = each->next_of_all;
    free(each);
  }
  free(source->slots);
  close_interest(&source->interest);
  close_pool(&source->pool);
  pthread_cond_destroy(&source->changed);
  pthread_mutex_destroy(&source->lock);
  free(source);
}

/* Signals are the program's own: its handlers do not run in our thread. */
static bool start_thread(struct eventstorm_source *source)
{
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = pthread_create(&source->thread, NULL, run, source) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

static struct eventstorm_source *new_source(const char *name, const eventstorm_options *options)
{
  struct eventstorm_source *source = calloc(1, sizeof *source);
  if (source == NULL) return NULL;
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&source->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  pthread_mutex_init(&source->lock, NULL);
  source->options = *options;
  open_pool(&source->pool, options->batch_bytes, options->queue_bytes / 16 / options->batch_bytes);
  source->name_length = strlen(name);
  memcpy(source->name, name, source->name_length);
  source->header_length = HEADER_BYTES + source->name_length;
  source->epoch = next_epoch();
  source->forks = atomic_load(&forks);
  source->wake[0] = source->wake[1] = -1;
  source->last_stream = &source->first_stream;
  source->last_ready = &source->ready;
  source->slot_count = 64;
  source->slots = calloc(source->slot_count, sizeof *source->slots);
  uint64_t seed = (uint64_t)source->epoch * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)(uintptr_t)source;
  bool interested = open_interest(&source->interest, seed);
  source->report = new_stream(source, REPORT_TYPE, sizeof REPORT_TYPE - 1, 0);
  if (source->report != NULL) append_stream(source, source->report);
  if (source->slots != NULL && interested && source->report != NULL) return source;
  free_source(source);
  return NULL;
}

int eventstorm_open(eventstorm_source **opened, const char *name, const char *const *endpoints,
                    const eventstorm_options *options)
{
  static const eventstorm_options defaults = EVENTSTORM_OPTIONS;
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  if (opened == NULL) return fail(EVENTSTORM_ARGUMENT_INVALID, "expected a place for the source, got NULL");
  *opened = NULL;
  if (name == NULL || !is_source_name(name)) {
    return fail(EVENTSTORM_SOURCE_INVALID, "expected a name of 1 to 255 bytes of UTF-8 without control characters");
  }
  if (options == NULL) options = &defaults;
  int code = check_options(options);
  if (code != EVENTSTORM_OK) return code;
  pthread_once(&once, watch_forks);
  struct eventstorm_source *source = new_source(name, options);
  if (source == NULL) return fail(EVENTSTORM_NO_MEMORY, "no memory for a source");
  source->context = zmq_ctx_new();
  source->socket = source->context == NULL ? NULL : zmq_socket(source->context, ZMQ_XPUB);
  if (source->socket == NULL || !set_socket(source) || !open_pipe(source->wake)) {
    code = fail(EVENTSTORM_SYSTEM, "expected a socket and a pipe, got: %s", zmq_strerror(errno));
  } else {
    code = dial(source, endpoints);
  }
  /* The names of files and endpoints are the caller's, and needed no longer. */
  source->options.key = NULL;
  source->options.server_keys = NULL;
  if (code == EVENTSTORM_OK && !start_thread(source)) code = fail(EVENTSTORM_SYSTEM, "expected a thread, got none");
  if (code != EVENTSTORM_OK) {
    if (source->socket != NULL) zmq_close(source->socket);
    free_source(source);
    return code;
  }
  *opened = source;
  return EVENTSTORM_OK;
}

static int refuse(struct eventstorm_source *source, int code)
{
  pthread_mutex_lock(&source->lock);
  source->counters.refused++;
  pthread_mutex_unlock(&source->lock);
  return code;
}

/* Whether there is any use in an event of this type; finds its stream. */
static int admit(struct eventstorm_source *source, const char *type, struct stream **stream)
{
  pthread_mutex_lock(&source->lock);
  int code = find_stream(source, type, stream);
  if (code != EVENTSTORM_OK) {
    source->counters.refused++;
  } else if (!stream_is_wanted(source, *stream)) {
    source->counters.emitted++;
    source->counters.unwanted++;
    code = EVENTSTORM_UNWANTED;
  }
  pthread_mutex_unlock(&source->lock);
  return code;
}

/* What is left to do for an event of an admitted type. */
static int emit(struct eventstorm_source *source, struct stream *stream, struct event *event)
{
  const char *wrong = event_length(event) > source->options.max_event_bytes
                          ? ""
                          : data_fault(event->type, event->data, event->data_length);
  if (wrong != NULL) {
    if (*wrong != 0) return refuse(source, fail(EVENTSTORM_DATA_INVALID, "expected data with %s", wrong));
    return refuse(source, fail(EVENTSTORM_EVENT_TOO_LARGE, "expected at most %zu bytes, got %zu; see max_event_bytes",
                               source->options.max_event_bytes, event_length(event)));
  }
  if (event->time == EVENTSTORM_NOW) event->time = clock_in(CLOCK_REALTIME, 1000);
  bool woken = false;
  pthread_mutex_lock(&source->lock);
  source->counters.emitted++;
  int code = enqueue(source, stream, event, &woken);
  pthread_mutex_unlock(&source->lock);
  if (woken) wake(source);
  return code;
}

int eventstorm_emit(eventstorm_source *source, const char *type, const bson_t *data)
{
  int code = check_source(source);
  if (code != EVENTSTORM_OK) return code;
  if (type == NULL || data == NULL) return refuse(source, fail(EVENTSTORM_ARGUMENT_INVALID, "expected a type and data, got NULL"));
  struct stream *stream;
  code = admit(source, type, &stream);
  if (code != EVENTSTORM_OK) return code;
  struct event event = {.time = EVENTSTORM_NOW,
                        .type = BSON_TYPE_DOCUMENT,
                        .data = bson_get_data(data),
                        .data_length = data->len};
  return emit(source, stream, &event);
}

int eventstorm_emit_value(eventstorm_source *source, const char *type, int64_t time_ms, const bson_value_t *data,
                          const bson_t *attributes)
{
  int code = check_source(source);
  if (code != EVENTSTORM_OK) return code;
  if (type == NULL) return refuse(source, fail(EVENTSTORM_ARGUMENT_INVALID, "expected a type, got NULL"));
  if (time_ms != EVENTSTORM_NOW && (time_ms > MAX_TIME || time_ms < -MAX_TIME)) {
    return refuse(source, fail(EVENTSTORM_TIME_INVALID, "expected a time within 8640000000000000 ms of 1970, got %lld",
                               (long long)time_ms));
  }
  struct stream *stream;
  code = admit(source, type, &stream);
  if (code != EVENTSTORM_OK) return code;
  static const bson_value_t null = {.value_type = BSON_TYPE_NULL};
  if (data == NULL) data = &null;
  struct event event = {.time = time_ms, .type = (uint8_t)data->value_type};
  if (attributes != NULL) {
    const uint8_t *bytes = bson_get_data(attributes);
    const char *wrong = attributes_fault(bytes, attributes->len);
    if (wrong != NULL) return refuse(source, fail(EVENTSTORM_EXTENSION_INVALID, "expected attributes with %s", wrong));
    event.attributes = bytes + 4;
    event.attributes_length = attributes->len - 5;
  }
  struct bytes bytes = {0};
  const char *wrong = add_value(&bytes, data);
  if (wrong != NULL) {
    code = refuse(source, fail(EVENTSTORM_DATA_INVALID, "expected data with %s", wrong));
  } else if (bytes.failed) {
    code = refuse(source, fail(EVENTSTORM_NO_MEMORY, "no memory for an event"));
  } else {
    event.data = bytes.at;
    event.data_length = bytes.length;
    code = emit(source, stream, &event);
  }
  free(bytes.at);
  return code;
}

/* Waits for a change until a moment of the monotonic clock. With the lock. False once it is over. */
static bool wait_change(struct eventstorm_source *source, int64_t until)
{
  if (until == INT64_MAX) return pthread_cond_wait(&source->changed, &source->lock) == 0;
  struct timespec at = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000};
  return pthread_cond_timedwait(&source->changed, &source->lock, &at) == 0;
}

static int64_t deadline(int timeout_ms) { return timeout_ms < 0 ? INT64_MAX : monotonic_ms() + timeout_ms; }

int eventstorm_subscribed(eventstorm_source *source, const char *type, int timeout_ms)
{
  int code = check_source(source);
  if (code != EVENTSTORM_OK) return code;
  if (type == NULL) return fail(EVENTSTORM_ARGUMENT_INVALID, "expected a type, got NULL");
  if (!is_type(type)) return fail(EVENTSTORM_TYPE_INVALID, "expected an event type such as order.placed");
  int64_t until = deadline(timeout_ms);
  size_t length = strlen(type);
  pthread_mutex_lock(&source->lock);
  bool wanted, waited = true;
  while (!(wanted = is_wanted(&source->interest, type, length)) && waited) waited = wait_change(source, until);
  pthread_mutex_unlock(&source->lock);
  if (wanted) return EVENTSTORM_OK;
  return fail(EVENTSTORM_TIMEOUT, "expected somebody to subscribe to %s; is a sink running, and a router between?", type);
}

int eventstorm_flush(eventstorm_source *source, int timeout_ms)
{
  int code = check_source(source);
  if (code != EVENTSTORM_OK) return code;
  int64_t until = deadline(timeout_ms);
  pthread_mutex_lock(&source->lock);
  source->flush_wanted = true;
  uint64_t flush = source->flushes_begun + 1;
  source->sleep = AWAKE;
  wake(source);
  bool waited = true;
  while (source->flushes_done < flush && waited) waited = wait_change(source, until);
  bool done = source->flushes_done >= flush;
  pthread_mutex_unlock(&source->lock);
  return done ? EVENTSTORM_OK : fail(EVENTSTORM_TIMEOUT, "expected the queue to be sent within %d ms", timeout_ms);
}

int eventstorm_count(eventstorm_source *source, eventstorm_counters *counters)
{
  int code = check_source(source);
  if (code != EVENTSTORM_OK) return code;
  if (counters == NULL) return fail(EVENTSTORM_ARGUMENT_INVALID, "expected a place for the counters, got NULL");
  pthread_mutex_lock(&source->lock);
  *counters = source->counters;
  pthread_mutex_unlock(&source->lock);
  return EVENTSTORM_OK;
}

int eventstorm_close(eventstorm_source *source, int timeout_ms)
{
  if (source == NULL) return EVENTSTORM_OK;
  int code = check_source(source);
  if (code != EVENTSTORM_OK) return code;
  pthread_mutex_lock(&source->lock);
  source->closing = true;
  source->close_by = deadline(timeout_ms);
  source->sleep = AWAKE;
  pthread_mutex_unlock(&source->lock);
  wake(source);
  pthread_join(source->thread, NULL);
  free_source(source);
  return EVENTSTORM_OK;
}
