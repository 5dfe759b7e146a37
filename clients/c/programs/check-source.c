/*
 * The library as a program sees it, with a subscriber of plain ZeroMQ at the other end. Usage: check-source FOLDER, an empty
 * one for files of its own
 */
#define _POSIX_C_SOURCE 200809L

#include <eventstorm.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "expect.h"

enum { PATIENCE = 20000 };

static const char *folder;
static void *context;

/* A subscriber that sources can dial. */
struct end {
  void *socket;
  char endpoint[256];
  const char *endpoints[2];
};

static void set(void *socket, int option, int value) { zmq_setsockopt(socket, option, &value, sizeof value); }

static struct end bind_end(const char *prefix)
{
  struct end end = {.socket = zmq_socket(context, ZMQ_SUB)};
  size_t size = sizeof end.endpoint;
  set(end.socket, ZMQ_LINGER, 0);
  set(end.socket, ZMQ_RCVHWM, 0);
  set(end.socket, ZMQ_RCVTIMEO, PATIENCE);
  zmq_setsockopt(end.socket, ZMQ_SUBSCRIBE, prefix, strlen(prefix));
  EXPECT(zmq_bind(end.socket, "tcp://127.0.0.1:*") == 0, "a port");
  zmq_getsockopt(end.socket, ZMQ_LAST_ENDPOINT, end.endpoint, &size);
  return end;
}

/* A source that dials it, once it is subscribed. */
static eventstorm_source *open_source(struct end *end, const eventstorm_options *options, const char *type)
{
  eventstorm_source *source = NULL;
  end->endpoints[0] = end->endpoint;
  int code = eventstorm_open(&source, "check", end->endpoints, options);
  EXPECT(code == EVENTSTORM_OK, "%s", eventstorm_message());
  /* A subscriber that is not read does not subscribe: it takes a look at its socket each time. */
  int tries = PATIENCE / 10, events;
  size_t size = sizeof events;
  do zmq_getsockopt(end->socket, ZMQ_EVENTS, &events, &size);
  while ((code = eventstorm_subscribed(source, type, 10)) != EVENTSTORM_OK && --tries > 0);
  EXPECT(code == EVENTSTORM_OK, "%s", eventstorm_message());
  return source;
}

/* What the fixed places of a header say. */
struct head {
  char type[256];
  int64_t epoch, seq, beat;
  int32_t n;
  uint8_t *body;
  size_t length;
};

static bool receive(void *socket, struct head *head)
{
  static uint8_t body[4 * 1024 * 1024];
  int type = zmq_recv(socket, head->type, sizeof head->type - 1, 0);
  int length = type < 0 ? -1 : zmq_recv(socket, body, sizeof body, 0);
  if (length < 60) return false;
  head->type[type] = 0;
  memcpy(&head->epoch, body + 18, 8);
  memcpy(&head->seq, body + 31, 8);
  memcpy(&head->n, body + 42, 4);
  int32_t source;
  memcpy(&source, body + 54, 4);
  head->beat = 0;
  if (head->n == 0) memcpy(&head->beat, body + 58 + source + 6, 8);
  head->body = body;
  head->length = (size_t)length;
  return true;
}

static bson_t *number(int32_t i)
{
  bson_t *data = bson_new();
  BSON_APPEND_INT32(data, "i", i);
  return data;
}

static int emit_number(eventstorm_source *source, const char *type, int32_t i)
{
  bson_t *data = number(i);
  int code = eventstorm_emit(source, type, data);
  bson_destroy(data);
  return code;
}

static void write_file(const char *name, const char *text, char *path)
{
  sprintf(path, "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  fputs(text, file);
  fclose(file);
  chmod(path, 0600);
}

static void check_open(void)
{
  static const char *const nowhere[] = {"tcp://127.0.0.1:1", NULL}, *const bad[] = {"tcp:/nowhere", NULL};
  eventstorm_source *source = (void *)1;
  EXPECT(eventstorm_open(NULL, "a", NULL, NULL) == EVENTSTORM_ARGUMENT_INVALID, "no place");
  EXPECT(eventstorm_open(&source, NULL, NULL, NULL) == EVENTSTORM_SOURCE_INVALID && source == NULL, "no name");
  EXPECT(eventstorm_open(&source, "", NULL, NULL) == EVENTSTORM_SOURCE_INVALID, "an empty name");
  EXPECT(eventstorm_open(&source, "a\nb", NULL, NULL) == EVENTSTORM_SOURCE_INVALID, "a name of two lines");
  EXPECT(eventstorm_open(&source, "a", bad, NULL) == EVENTSTORM_ENDPOINT_INVALID, "an endpoint");
  EXPECT(strstr(eventstorm_message(), "tcp:/nowhere") != NULL, "%s", eventstorm_message());
  for (int i = 0; i < 12; i++) {
    eventstorm_options options = EVENTSTORM_OPTIONS;
    *(i == 0   ? &options.linger_ms
      : i == 1 ? &options.batch_events
      : i == 2 ? &options.heartbeat_ms
      : i == 3 ? &options.send_high_water_mark
               : &options.reconnect_ms) = i < 5 ? -1 : 1000;
    if (i == 5) options.batch_bytes = 0;
    if (i == 6) options.queue_bytes = 0;
    if (i == 7) options.max_event_bytes = 1;
    if (i == 8) options.max_event_bytes = SIZE_MAX;
    if (i == 9) options.max_types = 0;
    if (i == 10) options.key = "somewhere";
    if (i == 11) options.server_keys = nowhere;
    EXPECT(eventstorm_open(&source, "a", NULL, &options) == EVENTSTORM_OPTIONS_INVALID, "option %d", i);
  }
  /* Nobody needs to be there; and of two, each has an epoch of its own. */
  eventstorm_source *other;
  EXPECT(eventstorm_open(&source, "a", nowhere, NULL) == EVENTSTORM_OK, "%s", eventstorm_message());
  EXPECT(eventstorm_open(&other, "a", nowhere, NULL) == EVENTSTORM_OK, "%s", eventstorm_message());
  EXPECT(eventstorm_subscribed(source, "a", 10) == EVENTSTORM_TIMEOUT, "nobody to subscribe");
  EXPECT(emit_number(source, "a", 1) == EVENTSTORM_UNWANTED, "nobody to want it");
  EXPECT(eventstorm_flush(source, PATIENCE) == EVENTSTORM_OK, "nothing to wait for");
  eventstorm_counters counters;
  EXPECT(eventstorm_count(source, &counters) == EVENTSTORM_OK, "counters");
  EXPECT(counters.unwanted == 1 && counters.sent == 0 && counters.queued_bytes == 0, "unwanted");
  EXPECT(eventstorm_close(source, 0) == EVENTSTORM_OK && eventstorm_close(other, -1) == EVENTSTORM_OK, "the end");
  EXPECT(eventstorm_close(NULL, 0) == EVENTSTORM_OK, "NULL is closed");
  for (int code = 3; code > -20; code--) EXPECT(*eventstorm_code_name(code) != 0, "code %d", code);
  EXPECT(strcmp(eventstorm_code_name(EVENTSTORM_SYSTEM), "SYSTEM") == 0, "the last name");
}

static void check_keys(void)
{
  static const char key[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
  char pair[4096], open_pair[4096], publics[4096], nothing[4096], text[512];
  snprintf(text, sizeof text, "# a comment\npublic %s\nsecret %s\n", key, key);
  write_file("a.key", text, pair);
  write_file("open.key", text, open_pair);
  chmod(open_pair, 0644);
  write_file("nothing", "public short\nsecret short\n\n# no keys", nothing);
  snprintf(text, sizeof text, "router %s", key);
  write_file("router.pub", text, publics);
  const struct {
    const char *key, *server_key;
    int code;
  } cases[] = {
      {pair, key, EVENTSTORM_OK},
      {pair, publics, EVENTSTORM_OK},
      {open_pair, key, EVENTSTORM_KEY_INVALID},
      {nothing, key, EVENTSTORM_KEY_INVALID},
      {"/nowhere/at-all", key, EVENTSTORM_KEY_INVALID},
      {folder, key, EVENTSTORM_KEY_INVALID},
      {pair, "no key", EVENTSTORM_KEY_INVALID},
      {pair, nothing, EVENTSTORM_KEY_INVALID},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *server_keys[] = {cases[i].server_key, NULL};
    eventstorm_options options = EVENTSTORM_OPTIONS;
    options.key = cases[i].key;
    options.server_keys = server_keys;
    eventstorm_source *source;
    int code = eventstorm_open(&source, "a", NULL, &options);
    EXPECT(code == cases[i].code, "case %zu: got %s, %s", i, eventstorm_code_name(code), eventstorm_message());
    EXPECT(strstr(eventstorm_message(), key) == NULL, "no key in %s", eventstorm_message());
    eventstorm_close(source, 0);
  }
}

static void check_bad_events(void)
{
  struct end end = bind_end("");
  eventstorm_options options = EVENTSTORM_OPTIONS;
  options.max_event_bytes = 1000;
  options.max_types = 2;
  eventstorm_source *source = open_source(&end, &options, "a");
  bson_t *data = number(1);
  const int of_type = EVENTSTORM_TYPE_INVALID;
  EXPECT(eventstorm_emit(NULL, "a", data) == EVENTSTORM_ARGUMENT_INVALID, "no source");
  EXPECT(eventstorm_emit(source, NULL, data) == EVENTSTORM_ARGUMENT_INVALID, "no type");
  EXPECT(eventstorm_emit(source, "a", NULL) == EVENTSTORM_ARGUMENT_INVALID, "no data");
  EXPECT(eventstorm_emit(source, "", data) == of_type && eventstorm_emit(source, "a..b", data) == of_type, "types");
  EXPECT(eventstorm_emit(source, "_report.source", data) == of_type, "a reserved type");
  EXPECT(eventstorm_subscribed(source, "a b", 0) == of_type, "a type to wait for");
  EXPECT(eventstorm_emit_value(source, "a", INT64_MAX, NULL, NULL) == EVENTSTORM_TIME_INVALID, "far away");
  EXPECT(eventstorm_count(source, NULL) == EVENTSTORM_ARGUMENT_INVALID, "no place for counters");

  bson_t invalid = BSON_INITIALIZER;
  BSON_APPEND_UTF8(&invalid, "toBSON", "x");
  EXPECT(eventstorm_emit(source, "a", &invalid) == EVENTSTORM_DATA_INVALID, "a forbidden name");
  bson_reinit(&invalid);
  bson_append_symbol(&invalid, "s", 1, "x", 1);
  EXPECT(eventstorm_emit(source, "a", &invalid) == EVENTSTORM_DATA_INVALID, "a deprecated type");
  bson_reinit(&invalid);
  bson_append_utf8(&invalid, "t", 1, "\xff", 1);
  EXPECT(eventstorm_emit(source, "a", &invalid) == EVENTSTORM_DATA_INVALID, "no UTF-8");
  bson_reinit(&invalid);
  BSON_APPEND_DATE_TIME(&invalid, "t", INT64_MAX);
  EXPECT(eventstorm_emit(source, "a", &invalid) == EVENTSTORM_DATA_INVALID, "a date far away");
  bson_destroy(&invalid);

  bson_value_t value = {.value_type = BSON_TYPE_UTF8};
  EXPECT(eventstorm_emit_value(source, "a", 0, &value, NULL) == EVENTSTORM_DATA_INVALID, "a text at NULL");
  value.value.v_utf8.str = (char[]){"xyz"};
  value.value.v_utf8.len = UINT32_MAX;
  EXPECT(eventstorm_emit_value(source, "a", 0, &value, NULL) == EVENTSTORM_DATA_INVALID, "a text without end");
  value = (bson_value_t){.value_type = BSON_TYPE_DOCUMENT};
  value.value.v_doc.data = (uint8_t[]){5, 0, 0};
  value.value.v_doc.data_len = 3;
  EXPECT(eventstorm_emit_value(source, "a", 0, &value, NULL) == EVENTSTORM_DATA_INVALID, "a piece of a document");
  value = (bson_value_t){.value_type = (bson_type_t)0x55};
  EXPECT(eventstorm_emit_value(source, "a", 0, &value, NULL) == EVENTSTORM_DATA_INVALID, "no type at all");

  static const char *const names[] = {"Upper", "time", "a.b", "abcdefghijklmnopqrstu", ""};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    bson_t attributes = BSON_INITIALIZER;
    BSON_APPEND_INT32(&attributes, names[i], 1);
    int code = eventstorm_emit_value(source, "a", 0, NULL, &attributes);
    EXPECT(code == EVENTSTORM_EXTENSION_INVALID, "attribute %s", names[i]);
    bson_destroy(&attributes);
  }
  bson_t *attributes = BCON_NEW("price", BCON_DOUBLE(1.5)), large = BSON_INITIALIZER;
  EXPECT(eventstorm_emit_value(source, "a", 0, NULL, attributes) == EVENTSTORM_EXTENSION_INVALID, "a double");
  bson_destroy(attributes);
  static const uint8_t kilobyte[1024];
  BSON_APPEND_BINARY(&large, "b", BSON_SUBTYPE_BINARY, kilobyte, sizeof kilobyte);
  EXPECT(eventstorm_emit(source, "a", &large) == EVENTSTORM_EVENT_TOO_LARGE, "a kilobyte");
  bson_destroy(&large);
  EXPECT(eventstorm_emit(source, "b", data) == EVENTSTORM_OK, "a second type");
  EXPECT(eventstorm_emit(source, "c", data) == EVENTSTORM_TOO_MANY_TYPES, "a third one");

  /* Nothing of all that has used up a number, or harmed what is good. */
  eventstorm_counters counters;
  EXPECT(eventstorm_emit(source, "a", data) == EVENTSTORM_OK, "what is good");
  struct head head;
  do EXPECT(receive(end.socket, &head), "it to arrive");
  while (strcmp(head.type, "a") != 0);
  EXPECT(head.seq == 0 && head.n == 1, "got %" PRId64, head.seq);
  eventstorm_count(source, &counters);
  EXPECT(counters.emitted == 2 && counters.refused == 22, "got %" PRIu64, counters.refused);
  bson_destroy(data);
  eventstorm_close(source, 0);
  zmq_close(end.socket);
}

/* Numbers, heartbeats in their pauses, reports, and the order of the end. */
static void check_stream(void)
{
  struct end end = bind_end("a");
  zmq_setsockopt(end.socket, ZMQ_SUBSCRIBE, "_report", 7);
  eventstorm_options options = EVENTSTORM_OPTIONS;
  options.heartbeat_ms = 20;
  /* What is emitted waits until it is flushed: no heartbeat comes between, however slow this is. */
  options.linger_ms = 60000;
  eventstorm_source *source = open_source(&end, &options, "a");
  EXPECT(eventstorm_subscribed(source, "_report.source", PATIENCE) == EVENTSTORM_OK, "both");
  for (int32_t i = 0; i < 10; i++) EXPECT(emit_number(source, "a", i) == EVENTSTORM_OK, "event %d", i);
  EXPECT(emit_number(source, "b", 1) == EVENTSTORM_UNWANTED, "another type");
  EXPECT(eventstorm_flush(source, PATIENCE) == EVENTSTORM_OK, "a flush");
  struct head head;
  int64_t next = 0, beats = 0, reports = 0;
  while (beats < 4) {
    EXPECT(receive(end.socket, &head), "a message");
    if (strcmp(head.type, "a") != 0) {
      reports += head.n;
      continue;
    }
    EXPECT(head.seq == next, "got %" PRId64 " for %" PRId64, head.seq, next);
    if (head.n == 0) EXPECT(head.beat == ++beats, "beat %" PRId64 ", got %" PRId64, beats, head.beat);
    else EXPECT(beats == 0, "events before heartbeats");
    next += head.n;
  }
  EXPECT(next == 10, "got %" PRId64, next);
  /* The pauses grow to 1 + 2 + 4 looks before the fourth one, and there is a report at each. */
  EXPECT(reports >= 6, "got %" PRId64, reports);
  emit_number(source, "a", 10);
  eventstorm_close(source, PATIENCE);

  char order[64] = "";
  bson_t report;
  while (strlen(order) < 60 && strstr(order, "RB") == NULL && receive(end.socket, &head)) {
    bool told = strcmp(head.type, "_report.source") == 0;
    bool ended = false;
    if (told && head.n == 1) {
      int32_t header;
      memcpy(&header, head.body, 4);
      EXPECT(bson_init_static(&report, head.body + header, head.length - (size_t)header), "a report");
      bson_iter_t start, at;
      ended = bson_iter_init(&start, &report) && bson_iter_find_descendant(&start, "data.ended", &at);
      bson_iter_init(&start, &report);
      EXPECT(bson_iter_find_descendant(&start, "data.streams.0.sent", &at), "a stream in it");
      if (ended) EXPECT(bson_iter_as_int64(&at) == 11, "got %" PRId64, bson_iter_as_int64(&at));
      bson_iter_init(&start, &report);
      EXPECT(bson_iter_find_descendant(&start, "data.unwanted", &at) && bson_iter_as_int64(&at) == 1, "the rest");
    }
    if (ended || !told) strcat(order, ended ? "R" : head.n > 0 ? "E" : "B");
  }
  EXPECT(strstr(order, "ERB") != NULL, "events, a report, heartbeats; got %s", order);
  EXPECT(head.seq == 11 && head.n == 0, "the last number, got %" PRId64, head.seq);
  zmq_close(end.socket);
}

/* What the queue has no room for uses up its number. */
static void check_overflow(void)
{
  enum { TYPES = 200, ROUNDS = 30 };
  struct end end = bind_end("t");
  eventstorm_options options = EVENTSTORM_OPTIONS;
  options.batch_bytes = options.max_event_bytes = 2048;
  options.queue_bytes = 65536;
  /* Nothing goes until it is told to, so that it is sure to be full. */
  options.linger_ms = 60000;
  eventstorm_source *source = open_source(&end, &options, "t0");
  int64_t emitted[TYPES] = {0}, next[TYPES] = {0}, received[TYPES] = {0};
  uint64_t dropped = 0;
  eventstorm_counters counters;
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < TYPES; i++) {
      char type[16];
      snprintf(type, sizeof type, "t%d", i);
      int code = emit_number(source, type, round);
      EXPECT(code == EVENTSTORM_OK || code == EVENTSTORM_DROPPED, "got %s", eventstorm_code_name(code));
      if (code == EVENTSTORM_DROPPED) dropped++;
      emitted[i]++;
    }
    eventstorm_count(source, &counters);
    EXPECT(counters.queued_bytes <= options.queue_bytes, "got %" PRIu64, counters.queued_bytes);
    EXPECT(counters.emitted == counters.sent + counters.dropped + counters.queued, "it adds up");
    if (round % 10 == 9) EXPECT(eventstorm_flush(source, PATIENCE) == EVENTSTORM_OK, "a flush");
  }
  EXPECT(dropped > 0 && counters.dropped == dropped, "dropped %" PRIu64, dropped);
  EXPECT(counters.emitted > dropped, "some of it to be sent");
  eventstorm_close(source, PATIENCE);
  int64_t came = 0, known = 0;
  for (struct head head; known < TYPES * ROUNDS && receive(end.socket, &head);) {
    int i = atoi(head.type + 1);
    EXPECT(head.seq >= next[i], "%s: got %" PRId64 " after %" PRId64, head.type, head.seq, next[i]);
    known += head.seq + head.n - next[i];
    next[i] = head.seq + head.n;
    received[i] += head.n;
    came += head.n;
  }
  for (int i = 0; i < TYPES; i++) EXPECT(next[i] == emitted[i], "t%d: got %" PRId64, i, next[i]);
  EXPECT(came + (int64_t)dropped == TYPES * ROUNDS, "came %" PRId64 ", dropped %" PRIu64, came, dropped);
  zmq_close(end.socket);
}

enum { THREADS = 4, EACH = 20000 };

static void *emit_many(void *argument)
{
  eventstorm_source *source = argument;
  bson_t *data = number(1);
  for (int i = 0; i < EACH; i++) {
    eventstorm_emit(source, i % 2 == 0 ? "a.x" : "a.y", data);
    if (i % 5000 == 0) eventstorm_flush(source, PATIENCE);
  }
  bson_destroy(data);
  return NULL;
}

static void check_threads(void)
{
  struct end end = bind_end("a");
  eventstorm_options options = EVENTSTORM_OPTIONS;
  options.send_high_water_mark = 1000000;
  eventstorm_source *source = open_source(&end, &options, "a.x");
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, emit_many, source);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  eventstorm_counters counters;
  eventstorm_flush(source, PATIENCE);
  eventstorm_count(source, &counters);
  EXPECT(counters.sent == THREADS * EACH && counters.queued == 0, "sent %" PRIu64, counters.sent);
  eventstorm_close(source, PATIENCE);
  int64_t next[2] = {0};
  struct head head;
  while (next[0] + next[1] < THREADS * EACH && receive(end.socket, &head)) {
    int which = head.type[2] - 'x';
    EXPECT(head.seq == next[which], "got %" PRId64 " for %" PRId64, head.seq, next[which]);
    next[which] += head.n;
  }
  EXPECT(next[0] == next[1] && next[0] + next[1] == THREADS * EACH, "got %" PRId64 " and %" PRId64, next[0], next[1]);
  zmq_close(end.socket);
}

static size_t resident_bytes(void)
{
  unsigned long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL) return 0;
  if (fscanf(file, "%*u %lu", &pages) != 1) pages = 0;
  fclose(file);
  return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* A subscriber that stands still costs no time, and no more memory than its send queue. Tells the memory only. */
static void check_stalled(void)
{
  struct end end = {.socket = zmq_socket(context, ZMQ_SUB)};
  size_t size = sizeof end.endpoint;
  set(end.socket, ZMQ_LINGER, 0);
  set(end.socket, ZMQ_RCVHWM, 1);
  set(end.socket, ZMQ_RCVBUF, 65536);
  zmq_setsockopt(end.socket, ZMQ_SUBSCRIBE, "a", 1);
  zmq_bind(end.socket, "tcp://127.0.0.1:*");
  zmq_getsockopt(end.socket, ZMQ_LAST_ENDPOINT, end.endpoint, &size);
  eventstorm_options options = EVENTSTORM_OPTIONS;
  options.send_high_water_mark = 20;
  options.queue_bytes = 8 * 1024 * 1024;
  eventstorm_source *source = open_source(&end, &options, "a");
  static const uint8_t block[10000];
  bson_t data = BSON_INITIALIZER;
  BSON_APPEND_BINARY(&data, "b", BSON_SUBTYPE_BINARY, block, sizeof block);
  size_t before = 0;
  for (int i = 0; i < 40000; i++) {
    if (i == 10000) before = resident_bytes();
    eventstorm_emit(source, "a", &data);
  }
  size_t after = resident_bytes();
  EXPECT(after < before + 32 * 1024 * 1024, "400 MB to take no memory, got %zu from %zu", after, before);
  bson_destroy(&data);
  eventstorm_counters counters;
  eventstorm_flush(source, PATIENCE);
  eventstorm_count(source, &counters);
  EXPECT(counters.emitted == 40000 && counters.sent + counters.dropped == 40000, "it adds up");
  eventstorm_close(source, 0);
  zmq_close(end.socket);
}

static void check_fork(void)
{
  struct end end = bind_end("a");
  eventstorm_source *source = open_source(&end, NULL, "a");
  pid_t child = fork();
  if (child == 0) {
    bool refused = emit_number(source, "a", 1) == EVENTSTORM_FORKED && eventstorm_close(source, 0) == EVENTSTORM_FORKED;
    /* Ends in a way that no tool makes anything of. */
    if (refused) raise(SIGKILL);
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "FORKED in the child, got %d", status);
  EXPECT(emit_number(source, "a", 1) == EVENTSTORM_OK, "the parent to go on");
  eventstorm_close(source, PATIENCE);
  zmq_close(end.socket);
}

int main(int count, char **values)
{
  folder = count > 1 ? values[1] : ".";
  context = zmq_ctx_new();
  check_open();
  check_keys();
  check_bad_events();
  check_stream();
  check_overflow();
  check_threads();
  check_stalled();
  check_fork();
  zmq_ctx_term(context);
  return ended();
}
