/* What both test programs say, and how they end: with 0 when everything was as expected. */
#ifndef EXPECT_H
#define EXPECT_H

#include <stdio.h>

static int expectations, failures;

#define EXPECT(what, ...) \
  do { \
    expectations++; \
    if (!(what)) { \
      failures++; \
      fprintf(stderr, "%s:%d: expected %s: ", __FILE__, __LINE__, #what); \
      fprintf(stderr, __VA_ARGS__); \
      fputc('\n', stderr); \
    } \
  } while (0)

static int ended(void)
{
  printf("{\"expectations\":%d,\"failures\":%d}\n", expectations, failures);
  return failures == 0 ? 0 : 1;
}

#endif
