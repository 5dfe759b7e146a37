/**
 * Documents in memory of the caller's, written from front to back. libbson makes any document and finds the memory for it; this
 * makes those of the usual types, in a fraction of the time:
 *
 *     uint8_t room[1024];
 *     eventstorm_document data;
 *     eventstorm_begin(&data, room, sizeof room);
 *     eventstorm_put_utf8(&data, "host", "web-1");
 *     eventstorm_put_int32(&data, "status", 200);
 *     eventstorm_emit(source, "http.hit", eventstorm_end(&data));
 *
 * What does not fit makes eventstorm_end return NULL, which eventstorm_emit refuses. Nothing else is checked here: eventstorm_emit
 * looks at every document.
 */
#ifndef EVENTSTORM_DOCUMENT_H
#define EVENTSTORM_DOCUMENT_H

#include <bson/bson.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One that is being written. Its members are nobody's business. */
typedef struct eventstorm_document {
  bson_t bson;
  uint8_t *bytes;
  size_t length, capacity;
} eventstorm_document;

static inline void eventstorm_little_endian(uint8_t *at, uint64_t bits, size_t size)
{
  for (size_t i = 0; i < size; i++) at[i] = (uint8_t)(bits >> (8 * i));
}

/* There is no room from here on. */
static inline void eventstorm_overflow(eventstorm_document *document)
{
  document->bytes = NULL;
  document->length = document->capacity;
}

/** Where a value of so many bytes goes, behind its type and name; NULL when it does not fit, nor anything after it. */
static inline uint8_t *eventstorm_put(eventstorm_document *document, bson_type_t type, const char *name, size_t size)
{
  size_t named = strlen(name) + 1, room = document->capacity - document->length;
  if (named >= room || size > room - named - 1) {
    eventstorm_overflow(document);
    return NULL;
  }
  uint8_t *at = document->bytes + document->length;
  at[0] = (uint8_t)type;
  memcpy(at + 1, name, named);
  document->length += 1 + named + size;
  return at + 1 + named;
}

/** Begins a document in `bytes`, which stay the caller's and must outlast it. */
static inline void eventstorm_begin(eventstorm_document *document, void *bytes, size_t capacity)
{
  /* Room is kept for the zero at the end. */
  bool fits = capacity >= 5;
  document->bytes = fits ? (uint8_t *)bytes : NULL;
  document->length = fits ? 4 : 0;
  document->capacity = fits ? capacity - 1 : 0;
}

/** The document, good until the next call with it and as long as its memory; NULL when it did not fit. */
static inline const bson_t *eventstorm_end(eventstorm_document *document)
{
  if (document->bytes == NULL) return NULL;
  size_t length = document->length + 1;
  document->bytes[document->length] = 0;
  eventstorm_little_endian(document->bytes, length, 4);
  return bson_init_static(&document->bson, document->bytes, length) ? &document->bson : NULL;
}

static inline void eventstorm_put_null(eventstorm_document *document, const char *name)
{
  eventstorm_put(document, BSON_TYPE_NULL, name, 0);
}

static inline void eventstorm_put_bool(eventstorm_document *document, const char *name, bool value)
{
  uint8_t *at = eventstorm_put(document, BSON_TYPE_BOOL, name, 1);
  if (at != NULL) *at = value ? 1 : 0;
}

static inline void eventstorm_put_int32(eventstorm_document *document, const char *name, int32_t value)
{
  uint8_t *at = eventstorm_put(document, BSON_TYPE_INT32, name, 4);
  if (at != NULL) eventstorm_little_endian(at, (uint32_t)value, 4);
}

static inline void eventstorm_put_int64(eventstorm_document *document, const char *name, int64_t value)
{
  uint8_t *at = eventstorm_put(document, BSON_TYPE_INT64, name, 8);
  if (at != NULL) eventstorm_little_endian(at, (uint64_t)value, 8);
}

static inline void eventstorm_put_double(eventstorm_document *document, const char *name, double value)
{
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint8_t *at = eventstorm_put(document, BSON_TYPE_DOUBLE, name, 8);
  if (at != NULL) eventstorm_little_endian(at, bits, 8);
}

/** @param time_ms milliseconds since 1970 */
static inline void eventstorm_put_date_time(eventstorm_document *document, const char *name, int64_t time_ms)
{
  uint8_t *at = eventstorm_put(document, BSON_TYPE_DATE_TIME, name, 8);
  if (at != NULL) eventstorm_little_endian(at, (uint64_t)time_ms, 8);
}

/** @param length bytes of the text, without a zero at its end */
static inline void eventstorm_put_text(eventstorm_document *document, const char *name, const char *text, size_t length)
{
  if (length > document->capacity) eventstorm_overflow(document);
  uint8_t *at = eventstorm_put(document, BSON_TYPE_UTF8, name, 4 + length + 1);
  if (at == NULL) return;
  eventstorm_little_endian(at, length + 1, 4);
  memcpy(at + 4, text, length);
  at[4 + length] = 0;
}

/** A text that a zero ends. */
static inline void eventstorm_put_utf8(eventstorm_document *document, const char *name, const char *text)
{
  eventstorm_put_text(document, name, text, strlen(text));
}

/**
 * Begins a document, or a list (BSON_TYPE_ARRAY, whose members are named "0", "1" and so on), in the document. What is put from
 * here on goes into it, until eventstorm_close_member gets what this returned.
 */
static inline size_t eventstorm_open_member(eventstorm_document *document, bson_type_t type, const char *name)
{
  uint8_t *at = eventstorm_put(document, type, name, 4);
  if (at == NULL) return 0;
  /* No length of a document, so that one that is never closed is refused. */
  eventstorm_little_endian(at, 0, 4);
  return (size_t)(at - document->bytes);
}

static inline void eventstorm_close_member(eventstorm_document *document, size_t opened)
{
  if (document->length == document->capacity) eventstorm_overflow(document);
  if (document->bytes == NULL) return;
  document->bytes[document->length++] = 0;
  eventstorm_little_endian(document->bytes + opened, document->length - opened, 4);
}

#ifdef __cplusplus
}
#endif

#endif
