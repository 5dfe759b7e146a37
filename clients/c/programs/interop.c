/* The program of the interoperability test; see clients/interop.ts for what it has to do. */
#define _POSIX_C_SOURCE 200809L

#include <eventstorm.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char TYPE[] = "interop.event";

static const char *flag(int count, char **values, const char *name, const char *otherwise)
{
  for (int i = 1; i + 1 < count; i += 2) {
    if (strcmp(values[i], name) == 0) return values[i + 1];
  }
  return otherwise;
}

/* What clients/wanted.ts says that event `i` is. */
static void fill(bson_t *data, int32_t i)
{
  static const uint8_t bytes[] = {0x00, 0x01, 0xff};
  static const uint8_t uuid[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
  char text[32];
  bson_oid_t id;
  bson_decimal128_t price;
  bson_t list, inner, a, b;
  snprintf(text, sizeof text, "Gr\xc3\xbc\xc3\x9f" "e %" PRId32, i);
  bson_oid_init_from_string(&id, "00112233445566778899aabb");
  bson_decimal128_from_string("1.50", &price);
  BSON_APPEND_INT32(data, "i", i);
  BSON_APPEND_INT64(data, "long", INT64_C(9007199254740993) + i);
  BSON_APPEND_DOUBLE(data, "half", i / 2.0);
  BSON_APPEND_UTF8(data, "text", text);
  BSON_APPEND_BOOL(data, "even", i % 2 == 0);
  BSON_APPEND_NULL(data, "none");
  BSON_APPEND_DATE_TIME(data, "at", -1 - (int64_t)i);
  BSON_APPEND_BINARY(data, "bytes", BSON_SUBTYPE_BINARY, bytes, sizeof bytes);
  BSON_APPEND_BINARY(data, "uuid", BSON_SUBTYPE_UUID, uuid, sizeof uuid);
  BSON_APPEND_OID(data, "id", &id);
  BSON_APPEND_DECIMAL128(data, "price", &price);
  BSON_APPEND_TIMESTAMP(data, "stamp", 1, 2);
  BSON_APPEND_REGEX(data, "pattern", "a+", "i");
  BSON_APPEND_CODE(data, "code", "f()");
  BSON_APPEND_MINKEY(data, "least");
  BSON_APPEND_MAXKEY(data, "most");
  BSON_APPEND_ARRAY_BEGIN(data, "list", &list);
  BSON_APPEND_INT32(&list, "0", 1);
  BSON_APPEND_UTF8(&list, "1", "two");
  BSON_APPEND_DOUBLE(&list, "2", 3.5);
  bson_append_array_end(data, &list);
  BSON_APPEND_DOCUMENT_BEGIN(data, "inner", &inner);
  BSON_APPEND_DOCUMENT_BEGIN(&inner, "a", &a);
  BSON_APPEND_ARRAY_BEGIN(&a, "b", &b);
  bson_append_array_end(&a, &b);
  bson_append_document_end(&inner, &a);
  bson_append_document_end(data, &inner);
}

static double seconds(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Keeps below the rate, and the queue from being full. */
static void pace(eventstorm_source *source, double start, int32_t emitted, double rate)
{
  double ahead = rate > 0 ? start + emitted / rate - seconds() : 0;
  if (ahead > 0) {
    struct timespec pause = {.tv_sec = (time_t)ahead, .tv_nsec = (long)((ahead - (double)(time_t)ahead) * 1e9)};
    nanosleep(&pause, NULL);
  }
  eventstorm_counters counters;
  eventstorm_count(source, &counters);
  if (counters.queued_bytes > 16 * 1024 * 1024) eventstorm_flush(source, -1);
}

int main(int count, char **values)
{
  const char *endpoints[] = {flag(count, values, "--connect", NULL), NULL};
  const char *server_keys[] = {flag(count, values, "--server-key", NULL), NULL};
  const char *name = flag(count, values, "--source", "interop");
  int32_t events = (int32_t)strtol(flag(count, values, "--count", "0"), NULL, 10);
  double rate = strtod(flag(count, values, "--rate", "0"), NULL);
  eventstorm_options options = EVENTSTORM_OPTIONS;
  options.key = flag(count, values, "--key", NULL);
  options.server_keys = server_keys;

  eventstorm_source *source;
  if (eventstorm_open(&source, name, endpoints, &options) != EVENTSTORM_OK ||
      eventstorm_subscribed(source, TYPE, 30000) != EVENTSTORM_OK) {
    fprintf(stderr, "%s\n", eventstorm_message());
    return 1;
  }
  bson_t data = BSON_INITIALIZER, attributes = BSON_INITIALIZER;
  BSON_APPEND_UTF8(&attributes, "partitionkey", "eu");
  bson_value_t value = {.value_type = BSON_TYPE_DOCUMENT};
  double start = seconds();
  for (int32_t i = 0; i < events; i++) {
    bson_reinit(&data);
    fill(&data, i);
    value.value.v_doc.data = (uint8_t *)(uintptr_t)bson_get_data(&data);
    value.value.v_doc.data_len = data.len;
    int code = eventstorm_emit_value(source, TYPE, INT64_C(1767323045678) + i, &value, &attributes);
    if (code != EVENTSTORM_OK) {
      fprintf(stderr, "event %" PRId32 ": %s %s\n", i, eventstorm_code_name(code), eventstorm_message());
      return 1;
    }
    if (i % 100 == 99) pace(source, start, i + 1, rate);
  }
  bson_destroy(&data);
  bson_destroy(&attributes);
  eventstorm_counters counters;
  eventstorm_flush(source, -1);
  eventstorm_count(source, &counters);
  eventstorm_close(source, 30000);
  printf("{\"sent\":%" PRIu64 ",\"dropped\":%" PRIu64 ",\"messages\":%" PRIu64 "}\n", counters.sent, counters.dropped,
         counters.messages);
  return 0;
}
