// SPDX-License-Identifier: Apache-2.0
// The same in C.
#include <stdio.h>
#include <string.h>
#include <tapewatch/storage_c.h>

static void on_done(void* context, tws_result* result) {
  tws_value value = {0};
  if (tws_result_code(result) == TWS_OK && tws_result_next(result, &value)) *(int64_t*)context = value.integer;
  tws_result_free(result);
}

int main(int argc, char** argv) {
  if (argc != 2 || tws_abi_version() != TWS_ABI_VERSION) return 2;
  tws_open_options options = {.struct_size = sizeof options, .path = argv[1]};
  tws_store* store = tws_open(&options, NULL);
  if (store == NULL) return 3;
  const char* sql = "SELECT 40 + 2";
  const tws_statement statement = {.struct_size = sizeof statement, .sql = sql, .sql_bytes = strlen(sql)};
  int64_t answer = 0;
  if (tws_read(store, &statement, NULL, on_done, &answer) != TWS_OK) return 4;
  while (answer == 0) tws_wait(store, 1000);
  tws_close(store);
  printf("%lld\n", (long long)answer);
  return answer == 42 ? 0 : 5;
}
