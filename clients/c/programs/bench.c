/*
 * The source of the bench `clients`: emits the events of bench/event.ts, as documents of libbson or of eventstorm_document.h, and
 * prints what they took.
 */
#define _POSIX_C_SOURCE 200809L

#include <eventstorm.h>
#include <eventstorm_document.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char TYPE[] = "http.hit";

static double seconds(clockid_t clock)
{
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Writes 0 to 255 in decimal and has the place behind it; snprintf would take longer than the rest of a field. */
static char *put_octet(char *at, int32_t value)
{
  if (value >= 100) *at++ = (char)('0' + value / 100);
  if (value >= 10) *at++ = (char)('0' + value / 10 % 10);
  *at++ = (char)('0' + value % 10);
  return at;
}

/* What differs from event to event; the rest is text that is always the same. */
struct hit {
  int32_t n, status, body_bytes_sent, request_length;
  char remote_addr[32];
  const char *method, *target, *user_agent;
  double request_time;
  bool cached;
};

static struct hit hit(int32_t n)
{
  static const char *const targets[] = {"/", "/products/4711?ref=mail", "/assets/app-8f3c2d.js", "/api/v2/orders/9918/items",
                                        "/search?q=chair"};
  static const char *const agents[] = {"Mozilla/5.0 (X11; Linux x64; rv:138.0) Gecko/20100101 Firefox/138.0",
                                       "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15", "curl/8.9.1"};
  static const int32_t status[] = {200, 200, 200, 304, 404, 500};
  struct hit made = {.n = n,
                     .status = status[n % 6],
                     .body_bytes_sent = 512 + n % 40000,
                     .request_length = 380 + n % 100,
                     .remote_addr = "10.1.",
                     .method = n % 7 == 0 ? "POST" : "GET",
                     .target = targets[n % 5],
                     .user_agent = agents[n % 3],
                     .request_time = n % 1000 / 1000.0 + 0.0005,
                     .cached = n % 3 == 0};
  char *at = put_octet(made.remote_addr + 5, n & 255);
  *at++ = '.';
  *put_octet(at, (n >> 8) & 255) = 0;
  return made;
}

static const bson_t *by_libbson(bson_t *data, int32_t n)
{
  struct hit each = hit(n);
  bson_reinit(data);
  BSON_APPEND_INT32(data, "n", each.n);
  BSON_APPEND_UTF8(data, "remoteAddr", each.remote_addr);
  BSON_APPEND_UTF8(data, "remoteUser", "frank");
  BSON_APPEND_UTF8(data, "method", each.method);
  BSON_APPEND_UTF8(data, "target", each.target);
  BSON_APPEND_UTF8(data, "httpVersion", "1.1");
  BSON_APPEND_INT32(data, "status", each.status);
  BSON_APPEND_INT32(data, "bodyBytesSent", each.body_bytes_sent);
  BSON_APPEND_UTF8(data, "referer", "https://shop.example/categories/garden");
  BSON_APPEND_UTF8(data, "userAgent", each.user_agent);
  BSON_APPEND_UTF8(data, "host", "shop.example");
  BSON_APPEND_INT32(data, "requestLength", each.request_length);
  BSON_APPEND_DOUBLE(data, "requestTime", each.request_time);
  BSON_APPEND_UTF8(data, "upstreamAddr", "127.0.0.1:8080");
  BSON_APPEND_BOOL(data, "cached", each.cached);
  return data;
}

static const bson_t *by_eventstorm(eventstorm_document *data, uint8_t *room, size_t size, int32_t n)
{
  struct hit each = hit(n);
  eventstorm_begin(data, room, size);
  eventstorm_put_int32(data, "n", each.n);
  eventstorm_put_utf8(data, "remoteAddr", each.remote_addr);
  eventstorm_put_utf8(data, "remoteUser", "frank");
  eventstorm_put_utf8(data, "method", each.method);
  eventstorm_put_utf8(data, "target", each.target);
  eventstorm_put_utf8(data, "httpVersion", "1.1");
  eventstorm_put_int32(data, "status", each.status);
  eventstorm_put_int32(data, "bodyBytesSent", each.body_bytes_sent);
  eventstorm_put_utf8(data, "referer", "https://shop.example/categories/garden");
  eventstorm_put_utf8(data, "userAgent", each.user_agent);
  eventstorm_put_utf8(data, "host", "shop.example");
  eventstorm_put_int32(data, "requestLength", each.request_length);
  eventstorm_put_double(data, "requestTime", each.request_time);
  eventstorm_put_utf8(data, "upstreamAddr", "127.0.0.1:8080");
  eventstorm_put_bool(data, "cached", each.cached);
  return eventstorm_end(data);
}

int main(int count, char **values)
{
  if (count < 4) return 2;
  bool libbson = strcmp(values[1], "libbson") == 0;
  const char *endpoints[] = {values[2], NULL};
  int32_t events = (int32_t)strtol(values[3], NULL, 10);
  eventstorm_options options = EVENTSTORM_OPTIONS;
  /* Room for all of them: it is the cost that is measured, not the loss. */
  options.queue_bytes = (size_t)1 << 30;
  options.send_high_water_mark = 1000000;
  eventstorm_source *source;
  if (eventstorm_open(&source, "bench", endpoints, &options) != EVENTSTORM_OK ||
      eventstorm_subscribed(source, TYPE, 30000) != EVENTSTORM_OK) {
    fprintf(stderr, "%s\n", eventstorm_message());
    return 1;
  }
  double start = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  bson_t theirs = BSON_INITIALIZER;
  eventstorm_document ours;
  uint8_t room[1024];
  for (int32_t n = 0; n < events; n++) {
    const bson_t *data = libbson ? by_libbson(&theirs, n) : by_eventstorm(&ours, room, sizeof room, n);
    if (eventstorm_emit(source, TYPE, data) != EVENTSTORM_OK) return 1;
  }
  bson_destroy(&theirs);
  eventstorm_counters counters;
  eventstorm_flush(source, -1);
  eventstorm_count(source, &counters);
  eventstorm_close(source, 60000);
  printf("{\"sent\":%" PRIu64 ",\"cpu\":%f,\"seconds\":%f}\n", counters.sent, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu,
         seconds(CLOCK_MONOTONIC) - start);
  return 0;
}
