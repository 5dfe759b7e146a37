/* The source of the bench `clients`: emits the events of bench/event.ts, and prints what they took. */
#define _POSIX_C_SOURCE 200809L

#include <eventstorm.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
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

static void fill(bson_t *data, int32_t n)
{
  static const char *const targets[] = {"/", "/products/4711?ref=mail", "/assets/app-8f3c2d.js", "/api/v2/orders/9918/items",
                                        "/search?q=chair"};
  static const char *const agents[] = {"Mozilla/5.0 (X11; Linux x64; rv:138.0) Gecko/20100101 Firefox/138.0",
                                       "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15", "curl/8.9.1"};
  static const int32_t status[] = {200, 200, 200, 304, 404, 500};
  char address[32] = "10.1.";
  char *at = put_octet(address + 5, n & 255);
  *at++ = '.';
  *put_octet(at, (n >> 8) & 255) = 0;
  BSON_APPEND_INT32(data, "n", n);
  BSON_APPEND_UTF8(data, "remoteAddr", address);
  BSON_APPEND_UTF8(data, "remoteUser", "frank");
  BSON_APPEND_UTF8(data, "method", n % 7 == 0 ? "POST" : "GET");
  BSON_APPEND_UTF8(data, "target", targets[n % 5]);
  BSON_APPEND_UTF8(data, "httpVersion", "1.1");
  BSON_APPEND_INT32(data, "status", status[n % 6]);
  BSON_APPEND_INT32(data, "bodyBytesSent", 512 + n % 40000);
  BSON_APPEND_UTF8(data, "referer", "https://shop.example/categories/garden");
  BSON_APPEND_UTF8(data, "userAgent", agents[n % 3]);
  BSON_APPEND_UTF8(data, "host", "shop.example");
  BSON_APPEND_INT32(data, "requestLength", 380 + n % 100);
  BSON_APPEND_DOUBLE(data, "requestTime", n % 1000 / 1000.0 + 0.0005);
  BSON_APPEND_UTF8(data, "upstreamAddr", "127.0.0.1:8080");
  BSON_APPEND_BOOL(data, "cached", n % 3 == 0);
}

int main(int count, char **values)
{
  const char *endpoints[] = {count > 1 ? values[1] : NULL, NULL};
  int32_t events = count > 2 ? (int32_t)strtol(values[2], NULL, 10) : 0;
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
  bson_t data = BSON_INITIALIZER;
  for (int32_t n = 0; n < events; n++) {
    bson_reinit(&data);
    fill(&data, n);
    if (eventstorm_emit(source, TYPE, &data) != EVENTSTORM_OK) return 1;
  }
  bson_destroy(&data);
  eventstorm_counters counters;
  eventstorm_flush(source, -1);
  eventstorm_count(source, &counters);
  eventstorm_close(source, 60000);
  printf("{\"sent\":%" PRIu64 ",\"cpu\":%f,\"seconds\":%f}\n", counters.sent, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu,
         seconds(CLOCK_MONOTONIC) - start);
  return 0;
}
