/*
 * The physical ceiling: the same bytes in messages of the same size by libzmq alone, with no JavaScript anywhere.
 * `ceiling send|receive|proxy <options as JSON>`; it speaks to the bench over NODE_CHANNEL_FD in lines of JSON.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define TOPIC "http.hit"
/* As Eventstorm's header of a source called "bench". */
#define HEADER_BYTES 65
/* Where the number of an event stands, see throughput-roles.ts. */
#define NUMBER_AT 31

static int channel;
static char line[4096];

static void fail(const char *what) {
  fprintf(stderr, "ceiling: %s: %s\n", what, zmq_strerror(zmq_errno()));
  exit(1);
}

/* The value of a key in JSON that the bench has written; there is no nesting and nothing is escaped. */
static const char *find(const char *json, const char *key) {
  char quoted[64];
  snprintf(quoted, sizeof quoted, "\"%s\":", key);
  const char *at = strstr(json, quoted);
  return at == NULL ? NULL : at + strlen(quoted);
}

static long number(const char *json, const char *key, long otherwise) {
  const char *at = find(json, key);
  return at == NULL ? otherwise : atol(at);
}

static void text(const char *json, const char *key, char *into, size_t size) {
  const char *at = find(json, key);
  size_t n = 0;
  if (at != NULL && *at == '"')
    for (at++; *at != '"' && *at != 0 && n + 1 < size; at++) into[n++] = *at;
  into[n] = 0;
}

static void say(const char *report) {
  size_t length = strlen(report);
  if (write(channel, report, length) != (ssize_t)length) exit(1);
}

/* The next line from the bench; whatever ends the bench ends this program. */
static void told(void) {
  if (read(channel, line, sizeof line) <= 0) _exit(0);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static double cpu(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static int32_t int32_at(const uint8_t *bytes) {
  int32_t value;
  memcpy(&value, bytes, sizeof value);
  return value;
}

/* The events as BSON documents end to end, from a file. */
static uint8_t *load(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail(path);
  fseek(file, 0, SEEK_END);
  *size = ftell(file);
  rewind(file);
  uint8_t *bytes = malloc(*size);
  if (bytes == NULL || fread(bytes, 1, *size, file) != *size) fail(path);
  fclose(file);
  return bytes;
}

static void send_all(void *context, const char *options) {
  char endpoint[256], path[1024];
  text(options, "endpoint", endpoint, sizeof endpoint);
  text(options, "events", path, sizeof path);
  long count = number(options, "count", 0);
  long batch_bytes = number(options, "batchBytes", 65536);
  size_t size, at = 0;
  uint8_t *events = load(path, &size);
  void *socket = zmq_socket(context, ZMQ_XPUB);
  int yes = 1;
  /* It waits for the subscriber instead of dropping: that bounds what is on the way, to 1000 messages at each end. */
  zmq_setsockopt(socket, ZMQ_XPUB_NODROP, &yes, sizeof yes);
  if (zmq_connect(socket, endpoint) != 0) fail(endpoint);
  char subscription[64];
  if (zmq_recv(socket, subscription, sizeof subscription, 0) < 0) fail("waiting for the subscription");
  say("{\"ready\":true}\n");
  told();
  double before = cpu();
  long batches = 0;
  for (long n = 0; n < count; batches++) {
    /* As many events as fit; then they are copied, once. */
    long length = HEADER_BYTES, events_in = 0;
    for (size_t from = at; n + events_in < count; events_in++) {
      int32_t event = int32_at(events + from);
      if (length + event > batch_bytes) break;
      length += event;
      from = from + event < size ? from + event : 0;
    }
    zmq_msg_t message;
    zmq_msg_init_size(&message, length);
    uint8_t *body = zmq_msg_data(&message);
    memset(body, 0, HEADER_BYTES);
    body += HEADER_BYTES;
    for (long i = 0; i < events_in; i++) {
      int32_t event = int32_at(events + at), value = n++;
      memcpy(body, events + at, event);
      memcpy(body + NUMBER_AT, &value, sizeof value);
      body += event;
      at = at + event < size ? at + event : 0;
    }
    if (zmq_send(socket, TOPIC, strlen(TOPIC), ZMQ_SNDMORE) < 0) fail("sending");
    if (zmq_msg_send(&message, socket, 0) < 0) fail("sending");
  }
  char report[256];
  snprintf(report, sizeof report, "{\"sent\":%ld,\"batches\":%ld,\"cpu\":%.6f}\n", count, batches, cpu() - before);
  say(report);
  told();
}

static void receive_all(void *context, const char *options) {
  char endpoint[256];
  size_t size = sizeof endpoint;
  long count = number(options, "count", 0), received = 0;
  void *socket = zmq_socket(context, ZMQ_SUB);
  zmq_setsockopt(socket, ZMQ_SUBSCRIBE, TOPIC, strlen(TOPIC));
  if (zmq_bind(socket, "tcp://127.0.0.1:*") != 0) fail("binding");
  zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size);
  char report[512];
  snprintf(report, sizeof report, "{\"ready\":\"%s\"}\n", endpoint);
  say(report);
  double first = 0, before = cpu();
  int64_t sum = 0;
  while (received < count) {
    zmq_msg_t message;
    zmq_msg_init(&message);
    if (zmq_msg_recv(&message, socket, 0) < 0) fail("receiving");
    if (first == 0) first = seconds();
    if (!zmq_msg_more(&message)) {
      const uint8_t *body = zmq_msg_data(&message), *end = body + zmq_msg_size(&message);
      for (const uint8_t *event = body + HEADER_BYTES; event < end; event += int32_at(event)) {
        sum += int32_at(event + NUMBER_AT);
        received++;
      }
    }
    zmq_msg_close(&message);
  }
  snprintf(report, sizeof report,
           "{\"received\":%ld,\"checksum\":\"%ld events, numbers %lld, fields 0\",\"seconds\":%.6f,\"cpu\":%.6f}\n",
           received, received, (long long)sum, seconds() - first, cpu() - before);
  say(report);
  told();
}

static void *forward(void *sockets) {
  void **both = sockets;
  zmq_proxy(both[0], both[1], NULL);
  return NULL;
}

static void proxy(void *context) {
  char endpoints[2][256];
  void *sockets[2] = {zmq_socket(context, ZMQ_XSUB), zmq_socket(context, ZMQ_XPUB)};
  for (int i = 0; i < 2; i++) {
    size_t size = sizeof endpoints[i];
    int none = 0;
    zmq_setsockopt(sockets[i], ZMQ_SNDHWM, &none, sizeof none);
    zmq_setsockopt(sockets[i], ZMQ_RCVHWM, &none, sizeof none);
    if (zmq_bind(sockets[i], "tcp://127.0.0.1:*") != 0) fail("binding");
    zmq_getsockopt(sockets[i], ZMQ_LAST_ENDPOINT, endpoints[i], &size);
  }
  double before = cpu();
  pthread_t thread;
  pthread_create(&thread, NULL, forward, sockets);
  char report[1024];
  snprintf(report, sizeof report, "{\"ready\":\"%s\",\"sinks\":\"%s\"}\n", endpoints[0], endpoints[1]);
  say(report);
  for (;;) {
    told();
    double now = cpu();
    snprintf(report, sizeof report, "{\"used\":%.6f}\n", now - before);
    before = now;
    say(report);
  }
}

int main(int argc, char **argv) {
  const char *from = getenv("NODE_CHANNEL_FD");
  if (argc != 3 || from == NULL) {
    fprintf(stderr, "usage: ceiling send|receive|proxy <options as JSON>, started by a bench\n");
    return 2;
  }
  channel = atoi(from);
  void *context = zmq_ctx_new();
  if (strcmp(argv[1], "send") == 0) send_all(context, argv[2]);
  else if (strcmp(argv[1], "receive") == 0) receive_all(context, argv[2]);
  else proxy(context);
  _exit(0);
}
