// Made by generate.py of sdk/wit/filter.wit.
// Include it in the one file that has the function `on_log`: that is what makes the component export it.

#ifndef RIMWARD_ON_LOG_H
#define RIMWARD_ON_LOG_H

#include <stdlib.h>

#include "rimward/host.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef rimward_cache_status_t exports_on_log_cache_status_t;

typedef struct rimward_summary_t {
  uint16_t   status;
  uint64_t   bytes_sent;
  uint64_t   duration_us;
  rimward_option_u64_t   origin_us;
  exports_on_log_cache_status_t   cache;
  rimward_option_string_t   error;
} rimward_summary_t;

// After the last byte. `summary` is the function's to free.
void on_log(rimward_summary_t *summary);

__attribute__((__export_name__("rimward:filter/on-log@0.1.0#handle")))
void __wasm_export_on_log(int32_t arg, int64_t arg0, int64_t arg1, int32_t arg2, int64_t arg3, int32_t arg4, int32_t arg5, uint8_t * arg6, size_t arg7) {
  rimward_option_u64_t option;
  switch (arg2) {
    case 0: {
      option.is_some = false;
      break;
    }
    case 1: {
      option.is_some = true;
      option.val = (uint64_t) (arg3);
      break;
    }
  }
  rimward_option_string_t option8;
  switch (arg5) {
    case 0: {
      option8.is_some = false;
      break;
    }
    case 1: {
      option8.is_some = true;
      option8.val = (rimward_string_t) { (uint8_t*)(arg6), (arg7) };
      break;
    }
  }
  rimward_summary_t arg9 = (rimward_summary_t) {
    (uint16_t) (uint16_t) (arg),
    (uint64_t) (uint64_t) (arg0),
    (uint64_t) (uint64_t) (arg1),
    (rimward_option_u64_t) option,
    (exports_on_log_cache_status_t) arg4,
    (rimward_option_string_t) option8,
  };
  on_log(&arg9);
}

// What this part imports or exports, for the tool that makes the component.
__asm__(".section \".custom_section.component-type-rimward-c-on-log\",\"\",@\n"
    ".ascii \"\\000asm\\015\\000\\001\\000\\000\\031\\026wit-component-encoding\\004\\000\\007\\236\\007\\001A\\002\\001A\\005\\001B\\031\\001q\\012\\024not-allowed-i\"\n"
    ".ascii \"n-phase\\000\\000\\011read-only\\000\\000\\011forbidden\\000\\000\\007invalid\\001s\\000\\007no-such\\001s\\000\\006denied\\001s\"\n"
    ".ascii \"\\000\\005limit\\001s\\000\\007timeout\\000\\000\\013unavailable\\001s\\000\\005other\\001s\\000\\004\\000\\005error\\003\\000\\000\\001m\\005\\007reque\"\n"
    ".ascii \"st\\016origin-request\\017origin-response\\010response\\003log\\004\\000\\005phase\\003\\000\\002\\001m\\007\\007unk\"\n"
    ".ascii \"nown\\003hit\\005stale\\004miss\\013revalidated\\006bypass\\013uncacheable\\004\\000\\014cache-statu\"\n"
    ".ascii \"s\\003\\000\\004\\001o\\002ss\\001q\\003\\003set\\001\\006\\000\\006append\\001\\006\\000\\006remove\\001s\\000\\004\\000\\011header-op\\003\\000\\007\\001q\\003\\004none\\000\\000\"\n"
    ".ascii \"\\006chunks\\000\\000\\010buffered\\001y\\000\\004\\000\\011body-want\\003\\000\\011\\001p}\\001q\\004\\004pass\\000\\000\\007replace\\001\\013\\000\\004hol\"\n"
    ".ascii \"d\\000\\000\\004drop\\000\\000\\004\\000\\015chunk-verdict\\003\\000\\014\\001p\\006\\001ky\\001r\\004\\006status{\\007headers\\016\\004body\\013\\011ca\"\n"
    ".ascii \"che-ttl\\017\\004\\000\\011synthetic\\003\\000\\020\\001q\\003\\004next\\000\\000\\007respond\\001\\021\\000\\014replace-body\\001\\013\\000\\004\\000\\007v\"\n"
    ".ascii \"erdict\\003\\000\\022\\001ks\\001r\\010\\004hosts\\004port{\\003tls\\177\\003sni\\024\\013path-prefixs\\022connect-timeo\"\n"
    ".ascii \"ut-ms\\017\\017read-timeout-ms\\017\\007headers\\016\\004\\000\\015custom-origin\\003\\000\\025\\001q\\002\\005named\\001s\\000\\006\"\n"
    ".ascii \"custom\\001\\026\\000\\004\\000\\006origin\\003\\000\\027\\003\\000\\032rimward:filter/types@0.1.0\\005\\000\\002\\003\\000\\000\\014cache-s\"\n"
    ".ascii \"tatus\\001B\\010\\002\\003\\002\\001\\001\\004\\000\\014cache-status\\003\\000\\000\\001kw\\001ks\\001r\\006\\006status{\\012bytes-sentw\\013dur\"\n"
    ".ascii \"ation-usw\\011origin-us\\002\\005cache\\001\\005error\\003\\004\\000\\007summary\\003\\000\\004\\001@\\001\\001s\\005\\001\\000\\004\\000\\006handle\"\n"
    ".ascii \"\\001\\006\\004\\000\\033rimward:filter/on-log@0.1.0\\005\\002\\004\\000\\035rimward:filter/c-on-log@0.1\"\n"
    ".ascii \".0\\004\\000\\013\\016\\001\\000\\010c-on-log\\003\\000\\000\\000D\\011producers\\001\\014processed-by\\002\\015wit-component\\0070.\"\n"
    ".ascii \"262.0\\015wit-bindgen-c\\0060.63.0\"\n"
);

#ifdef __cplusplus
}
#endif

#endif
