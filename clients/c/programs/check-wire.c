/*
 * The bytes: the vectors of protocol/vectors, and what is no valid BSON. It looks into the source file, so that everything
 * can be had without a socket. Usage: check-wire FOLDER-OF-VECTORS SEED
 */
#include "eventstorm.c"
#include "eventstorm_document.h"

#include "expect.h"

static char *folder;

/* A file of vectors, a list, as the document { vectors: list }. */
static bson_t *read_vectors(const char *name)
{
  char path[4096];
  snprintf(path, sizeof path, "%s/%s.json", folder, name);
  size_t size = 4 * 1024 * 1024, head = strlen("{\"vectors\":");
  char *text = malloc(size);
  mode_t mode;
  memcpy(text, "{\"vectors\":", head);
  int error = read_file(path, text + head, size - head - 1, &mode);
  strcat(text, "}");
  bson_error_t reason = {0};
  bson_t *vectors = bson_new_from_json((const uint8_t *)text, -1, &reason);
  EXPECT(error == 0 && vectors != NULL, "%s: %d %s", path, error, reason.message);
  free(text);
  if (vectors == NULL) exit(ended());
  return vectors;
}

static bool find(const bson_t *document, const char *path, bson_iter_t *at)
{
  bson_iter_t start;
  return bson_iter_init(&start, document) && bson_iter_find_descendant(&start, path, at);
}

static const char *text_of(const bson_t *document, const char *path)
{
  bson_iter_t at;
  return find(document, path, &at) ? bson_iter_utf8(&at, NULL) : "";
}

static int64_t number_of(const bson_t *document, const char *path)
{
  bson_iter_t at;
  return find(document, path, &at) ? bson_iter_as_int64(&at) : 0;
}

static size_t from_hex(const char *hex, uint8_t *bytes)
{
  size_t length = strlen(hex) / 2;
  for (size_t i = 0; i < length; i++) {
    unsigned byte;
    sscanf(hex + 2 * i, "%2x", &byte);
    bytes[i] = (uint8_t)byte;
  }
  return length;
}

static bool next_document(bson_iter_t *at, bson_t *document)
{
  const uint8_t *bytes;
  uint32_t length;
  if (!bson_iter_next(at)) return false;
  bson_iter_document(at, &length, &bytes);
  return bson_init_static(document, bytes, length);
}

static bool begin(const bson_t *document, const char *path, bson_iter_t *at)
{
  bson_iter_t list;
  return find(document, path, &list) && bson_iter_recurse(&list, at);
}

/* An event of a vector, through what emit_value does with it. */
static void append_event(struct bytes *bytes, const bson_t *vector)
{
  bson_t attributes = BSON_INITIALIZER;
  struct bytes data = {0};
  struct event event = {0};
  bson_iter_t at;
  bson_iter_init(&at, vector);
  while (bson_iter_next(&at)) {
    const bson_value_t *value = bson_iter_value(&at);
    if (strcmp(bson_iter_key(&at), "time") == 0) {
      event.time = value->value.v_datetime;
    } else if (strcmp(bson_iter_key(&at), "data") == 0) {
      event.type = (uint8_t)value->value_type;
      EXPECT(add_value(&data, value) == NULL, "any value to be written");
    } else {
      bson_append_value(&attributes, bson_iter_key(&at), -1, value);
    }
  }
  event.data = data.at;
  event.data_length = data.length;
  event.attributes = bson_get_data(&attributes) + 4;
  event.attributes_length = attributes.len - 5;
  const char *wrong = data_fault(event.type, event.data, event.data_length);
  EXPECT(wrong == NULL, "%s", wrong);
  wrong = attributes_fault(bson_get_data(&attributes), attributes.len);
  EXPECT(wrong == NULL, "%s", wrong);
  uint8_t *to = grow(bytes, event_length(&event));
  if (to != NULL) write_event(to, &event);
  free(data.at);
  bson_destroy(&attributes);
}

static void check_messages(void)
{
  bson_t *vectors = read_vectors("messages"), vector, event;
  bson_iter_t each, events;
  int written = 0;
  for (bool more = begin(vectors, "vectors", &each); more && next_document(&each, &vector);) {
    const char *name = text_of(&vector, "name"), *source = text_of(&vector, "header.source");
    if (strcmp(name, "unknown header keys") == 0) continue;
    EXPECT(is_type(text_of(&vector, "type")), "%s: a valid type", name);
    EXPECT(is_source_name(source), "%s: a valid source", name);
    static uint8_t expected[65536];
    size_t length = from_hex(text_of(&vector, "frames.1"), expected);
    struct bytes bytes = {0};
    int64_t beat = number_of(&vector, "header.beat");
    uint8_t *header = grow(&bytes, HEADER_BYTES + strlen(source) + (beat > 0 ? BEAT_BYTES : 0));
    memset(header, 0xee, bytes.length);
    write_header(header, source, strlen(source), number_of(&vector, "header.epoch"), number_of(&vector, "header.seq"),
                 (int32_t)number_of(&vector, "header.n"), beat);
    for (bool one = begin(&vector, "events", &events); one && next_document(&events, &event);) {
      append_event(&bytes, &event);
    }
    EXPECT(bytes.length == length && memcmp(bytes.at, expected, length) == 0, "%s: the same bytes", name);
    free(bytes.at);
    written++;
  }
  EXPECT(written >= 11, "got %d messages", written);
  bson_destroy(vectors);
}

static void check_types(void)
{
  bson_t *vectors = read_vectors("types");
  static const char *const lists[] = {"vectors.invalid", "vectors.valid"};
  int seen = 0;
  for (int valid = 0; valid < 2; valid++) {
    bson_iter_t each;
    for (bool more = begin(vectors, lists[valid], &each); more && bson_iter_next(&each); seen++) {
      uint32_t length;
      const char *type = bson_iter_utf8(&each, &length);
      /* No C string has a zero in it. */
      if (strlen(type) == length) EXPECT(is_type(type) == (valid == 1), "%s, valid: %d", type, valid);
    }
  }
  EXPECT(seen > 25, "got %d types", seen);
  bson_destroy(vectors);
}

static bool has_seq(const bson_t *vector, int64_t seq)
{
  bson_iter_t each;
  for (bool more = begin(vector, "seqs", &each); more && bson_iter_next(&each);) {
    if (bson_iter_as_int64(&each) == seq) return true;
  }
  return false;
}

/*
 * Whether what lies behind `data` or the attributes of an event would be refused when it is emitted. The time and the names
 * `time` and `data` are ours to write, so what is wrong with those cannot be said at all.
 */
static bool is_refused(const uint8_t *event, size_t length)
{
  if (length < 24 || memcmp(event + 4, "\x09time", 6) != 0 || memcmp(event + 19, "data", 5) != 0) return true;
  if (get64(event + 10) > MAX_TIME || get64(event + 10) < -MAX_TIME) return true;
  for (size_t end = 24; end < length; end++) {
    if (data_fault(event[18], event + 24, end - 24) != NULL) continue;
    uint8_t attributes[4096];
    size_t size = length - end + 4;
    put32(attributes, (int32_t)size);
    memcpy(attributes + 4, event + end, length - end);
    if (attributes_fault(attributes, size) == NULL) return false;
  }
  return true;
}

static void check_undecodable(void)
{
  bson_t *vectors = read_vectors("undecodable"), vector;
  bson_iter_t each;
  int refused = 0, taken = 0;
  for (bool more = begin(vectors, "vectors", &each); more && next_document(&each, &vector);) {
    static uint8_t body[65536];
    size_t length = from_hex(text_of(&vector, "frames.1"), body), at = (size_t)get32(body);
    int64_t seq = get64(body + 31);
    for (; at < length; at += (size_t)get32(body + at), seq++) {
      bool expected = !has_seq(&vector, seq);
      bool got = is_refused(body + at, (size_t)get32(body + at));
      EXPECT(got == expected, "%s, number %lld, refused: %d", text_of(&vector, "name"), (long long)seq, expected);
      if (got) refused++;
      else taken++;
    }
  }
  EXPECT(refused >= 10 && taken >= 20, "refused %d, taken %d", refused, taken);
  bson_destroy(vectors);
}

static void change_by_frame(struct interest *interest, const char *hex)
{
  uint8_t frame[1024];
  size_t length = from_hex(hex, frame);
  change_interest(interest, frame + 1, length - 1, frame[0] == 1);
}

static void check_subscriptions(void)
{
  bson_t *vectors = read_vectors("subscriptions"), vector;
  bson_iter_t each, types;
  struct interest interest;
  open_interest(&interest, 1);
  int asked = 0;
  for (bool more = begin(vectors, "vectors", &each); more && next_document(&each, &vector);) {
    change_by_frame(&interest, text_of(&vector, "subscribe"));
    for (bool one = begin(&vector, "matches", &types); one && bson_iter_next(&types); asked++) {
      const char *type = bson_iter_utf8(&types, NULL);
      EXPECT(is_wanted(&interest, type, strlen(type)), "%s by %s", type, text_of(&vector, "pattern"));
    }
    change_by_frame(&interest, text_of(&vector, "unsubscribe"));
    EXPECT(interest.count == 0, "%s to be gone", text_of(&vector, "pattern"));
    EXPECT(!is_wanted(&interest, "http.hit", 8), "nothing to be wanted");
  }
  EXPECT(asked >= 15, "asked %d", asked);
  /* Reserved types are sent to those who ask for them by more than nothing. */
  change_interest(&interest, (const uint8_t *)"", 0, true);
  EXPECT(is_wanted(&interest, "a", 1) && !is_wanted(&interest, "_report.source", 14), "the empty prefix");
  change_interest(&interest, (const uint8_t *)"_rep", 4, true);
  EXPECT(is_wanted(&interest, "_report.source", 14), "a longer prefix");
  /* Many, out of which the right ones go again. */
  for (int turn = 1; turn >= 0; turn--) {
    for (int i = 0; i < 5000; i++) {
      char prefix[16];
      int length = snprintf(prefix, sizeof prefix, "p%d.", i);
      change_interest(&interest, (const uint8_t *)prefix, (size_t)length, turn == 1);
    }
  }
  EXPECT(interest.count == 2, "got %zu", interest.count);
  change_interest(&interest, (const uint8_t *)"", 0, false);
  EXPECT(!is_wanted(&interest, "p77.x", 5), "nothing of it");
  /* More than are remembered: then everything counts as wanted, rather than nothing. */
  for (uint32_t i = 0; i <= MAX_PREFIXES; i++) change_interest(&interest, (const uint8_t *)&i, sizeof i, true);
  EXPECT(interest.count == MAX_PREFIXES && is_wanted(&interest, "zzz", 3), "got %zu", interest.count);
  close_interest(&interest);
  bson_destroy(vectors);
}

/* Documents in each other, so many levels of them, with a member of one letter each. */
static size_t nest(uint8_t *bytes, size_t levels)
{
  size_t length = 5 + 8 * (levels - 1), at = 0;
  for (size_t i = 0; i < levels; i++) {
    put32(bytes + at, (int32_t)(length - 8 * i));
    at += 4;
    if (i + 1 == levels) break;
    memcpy(bytes + at, i % 2 == 0 ? "\x03" "a" : "\x04" "0", 3);
    at += 3;
  }
  memset(bytes + at, 0, levels);
  return at + levels;
}

static void check_levels(void)
{
  size_t many = 2000000;
  uint8_t *bytes = malloc(8 * many);
  EXPECT(data_fault(BSON_TYPE_DOCUMENT, bytes, nest(bytes, MAX_LEVELS - 1)) == NULL, "99 levels within the event");
  EXPECT(data_fault(BSON_TYPE_DOCUMENT, bytes, nest(bytes, MAX_LEVELS)) != NULL, "no more");
  EXPECT(data_fault(BSON_TYPE_DOCUMENT, bytes, nest(bytes, many)) != NULL, "no stack that runs over");
  free(bytes);
}

/* Whatever becomes of a valid document: what passes for data is what libbson takes for valid, and nothing is read beyond it. */
static void check_spoiled(uint32_t seed)
{
  bson_t *vectors = read_vectors("messages");
  const uint8_t *valid = bson_get_data(vectors);
  size_t length = vectors->len;
  EXPECT(data_fault(BSON_TYPE_DOCUMENT, valid, length) == NULL, "the vectors themselves to be valid");
  uint32_t state = seed;
  int passed = 0, rounds = 20000;
  for (int i = 0; i < rounds; i++) {
    /* Exactly as large as it is, so that a sanitizer sees a byte too many. */
    uint8_t *spoiled = malloc(length);
    memcpy(spoiled, valid, length);
    for (int change = 0; change < 1 + i % 3; change++) {
      state = state * 1664525u + 1013904223u;
      spoiled[(state >> 8) % length] = (uint8_t)(state >> 3);
    }
    bson_t document;
    if (data_fault(BSON_TYPE_DOCUMENT, spoiled, length) == NULL) {
      passed++;
      bool theirs = bson_init_static(&document, spoiled, length) &&
                    bson_validate(&document, BSON_VALIDATE_UTF8 | BSON_VALIDATE_UTF8_ALLOW_NULL, NULL);
      EXPECT(theirs, "round %d of seed %u: libbson says no", i, seed);
    }
    free(spoiled);
  }
  EXPECT(passed > rounds / 100 && passed < rounds, "seed %u: %d passed", seed, passed);
  for (size_t i = 0; i < length; i++) {
    uint8_t *shorter = malloc(i + 1);
    memcpy(shorter, valid, i);
    EXPECT(data_fault(BSON_TYPE_DOCUMENT, shorter, i) != NULL, "%zu bytes of it", i);
    free(shorter);
  }
  bson_destroy(vectors);
}

static void check_text(void)
{
  static const char *const bad[] = {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                                    "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xff", "12345678\xc3"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    EXPECT(!is_utf8((const uint8_t *)bad[i], strlen(bad[i])), "text %zu to be refused", i);
    EXPECT(!is_type(bad[i]) && !is_source_name(bad[i]), "name %zu to be refused", i);
  }
  static const char good[] = "ascii, Gr\xc3\xbc\xc3\x9f" "e, \xe6\x97\xa5, \xf0\x9f\x99\x82";
  EXPECT(is_utf8((const uint8_t *)good, sizeof good - 1) && is_source_name(good), "%s", good);
  EXPECT(!is_source_name("") && !is_source_name("a\tb") && !is_source_name("\xef\xbf\xbd"), "names");
}

/*
 * Texts are looked at by eight bytes at a time: of any length, with a byte of any kind at any place, and with nothing readable
 * behind them, a look byte by byte finds the same.
 */
static void check_sizes(void)
{
  enum { LONGEST = 40 };
  static const uint8_t kinds[] = {'a', 1, 0x7f, 0x80, 0xc3, 0xff, 0};
  for (size_t length = 0; length <= LONGEST; length++) {
    for (size_t i = 0; i < length * sizeof kinds; i++) {
      uint8_t kind = kinds[i % sizeof kinds];
      uint8_t *text = malloc(4 + length + 1);
      put32(text, (int32_t)length + 1);
      memset(text + 4, 'b', length);
      text[4 + length] = 0;
      text[4 + i / sizeof kinds] = kind;
      bool ascii = kind < 0x80;
      size_t size = text_size(text, 4 + length + 1);
      EXPECT(size == (ascii ? 4 + length + 1 : 0), "%zu bytes with %d at %zu: got %zu", length, kind, i, size);
      size_t first = kind == 0 ? i / sizeof kinds + 1 : length + 1;
      size = cstring_size(text + 4, length + 1);
      EXPECT(size == (ascii ? first : 0), "a name of %zu with %d at %zu: got %zu", length, kind, i, size);
      EXPECT(cstring_size(text + 4, first - 1) == 0, "no name without its end");
      /* Two bytes that are one character are good wherever they stand. */
      if (kind == 0xc3 && i / sizeof kinds + 1 < length) {
        text[4 + i / sizeof kinds + 1] = 0xbc;
        EXPECT(text_size(text, 4 + length + 1) == 4 + length + 1, "a character in a text of %zu", length);
        EXPECT(cstring_size(text + 4, length + 1) == length + 1, "a character in a name of %zu", length);
      }
      free(text);
    }
  }
}

/* All that eventstorm_document.h writes, into so much room. */
static const bson_t *write_document(eventstorm_document *document, uint8_t *room, size_t size)
{
  eventstorm_begin(document, room, size);
  eventstorm_put_double(document, "double", -12.5);
  eventstorm_put_utf8(document, "text", "Gr\xc3\xbc\xc3\x9f" "e");
  eventstorm_put_text(document, "part", "abc", 2);
  eventstorm_put_text(document, "empty", "", 0);
  size_t list = eventstorm_open_member(document, BSON_TYPE_ARRAY, "list");
  eventstorm_put_bool(document, "0", true);
  size_t inner = eventstorm_open_member(document, BSON_TYPE_DOCUMENT, "1");
  eventstorm_put_int32(document, "int32", -2);
  eventstorm_close_member(document, inner);
  eventstorm_close_member(document, list);
  eventstorm_put_bool(document, "bool", false);
  eventstorm_put_date_time(document, "date", INT64_C(1767323045678));
  eventstorm_put_null(document, "null");
  eventstorm_put_int64(document, "int64", INT64_MIN);
  return eventstorm_end(document);
}

/* The bytes are those of libbson; with less room there is no document, and no byte is written beyond it. */
static void check_document(void)
{
  bson_t *theirs = BCON_NEW("double", BCON_DOUBLE(-12.5), "text", "Gr\xc3\xbc\xc3\x9f" "e", "part", "ab", "empty", "", "list",
                            "[", BCON_BOOL(true), "{", "int32", BCON_INT32(-2), "}", "]", "bool", BCON_BOOL(false), "date",
                            BCON_DATE_TIME(INT64_C(1767323045678)), "null", BCON_NULL, "int64", BCON_INT64(INT64_MIN));
  for (size_t size = 0; size <= theirs->len + 1; size++) {
    eventstorm_document document;
    uint8_t *room = malloc(size == 0 ? 1 : size);
    const bson_t *ours = write_document(&document, room, size);
    if (size < theirs->len) EXPECT(ours == NULL, "no document in %zu bytes", size);
    else EXPECT(ours != NULL && bson_equal(ours, theirs), "the document in %zu bytes", size);
    free(room);
  }
  eventstorm_document document;
  uint8_t room[64];
  eventstorm_begin(&document, room, sizeof room);
  eventstorm_put_text(&document, "long", "", SIZE_MAX - 4);
  eventstorm_put_null(&document, "short");
  EXPECT(eventstorm_end(&document) == NULL, "what comes behind does not make it fit");
  eventstorm_begin(&document, room, sizeof room);
  EXPECT(eventstorm_end(&document) != NULL, "room that is used again");
  eventstorm_begin(&document, room, sizeof room);
  eventstorm_open_member(&document, BSON_TYPE_DOCUMENT, "open");
  const bson_t *open = eventstorm_end(&document);
  EXPECT(open != NULL && data_fault(BSON_TYPE_DOCUMENT, room, open->len) != NULL, "what was not closed is no valid data");
  bson_destroy(theirs);
}

/* Buffers come back for the next message, as many as are kept; what is smaller or larger never does. */
static void check_pool(void)
{
  enum { SIZE = 1024, MOST = 2 };
  struct pool pool;
  open_pool(&pool, SIZE, MOST);
  uint8_t *buffers[MOST + 1];
  for (int i = 0; i <= MOST; i++) buffers[i] = take_buffer(&pool, SIZE);
  for (int i = 0; i <= MOST; i++) give_back(buffers[i], &pool);
  EXPECT(pool.count == MOST, "got %zu", pool.count);
  uint8_t *other = take_buffer(&pool, SIZE / 2);
  EXPECT(pool.count == MOST, "got %zu", pool.count);
  give_up(other, &pool);
  uint8_t *again = take_buffer(&pool, SIZE);
  EXPECT(again == buffers[MOST - 1] && pool.count == MOST - 1, "got %zu", pool.count);
  give_back(again, &pool);
  close_pool(&pool);
}

int main(int count, char **values)
{
  folder = count > 1 ? values[1] : "protocol/vectors";
  uint32_t seed = count > 2 ? (uint32_t)strtoul(values[2], NULL, 10) : 1;
  check_messages();
  check_types();
  check_undecodable();
  check_subscriptions();
  check_levels();
  check_spoiled(seed);
  check_text();
  check_sizes();
  check_document();
  check_pool();
  return ended();
}
