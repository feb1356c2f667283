#include "common/config/tls_shapes.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <memory>
#include <string>

namespace mailmesh::config {
namespace {

constexpr std::string_view kSeparators = ": ,;";  // openssl-ciphers(1)

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;

Context NewContext() {
  ERR_clear_error();
  return Context(SSL_CTX_new(TLS_server_method()));
}

bool Selects(std::string_view list) {
  const Context context = NewContext();
  const bool some = context != nullptr && SSL_CTX_set_cipher_list(context.get(), std::string(list).c_str()) == 1;
  ERR_clear_error();
  return some;
}

// "!ADH" and "-ADH" name what "ADH" names.
bool IsKnownWord(std::string_view word) {
  if (word.starts_with('@')) return true;  // @STRENGTH, @SECLEVEL=2: the list as a whole tells
  word.remove_prefix(std::min(word.find_first_not_of("!-+"), word.size()));
  return Selects(word);
}

bool AllProtect(std::string_view list) {
  const Context context = NewContext();
  if (context == nullptr || SSL_CTX_set_cipher_list(context.get(), std::string(list).c_str()) != 1) return false;
  const STACK_OF(SSL_CIPHER)* ciphers = SSL_CTX_get_ciphers(context.get());
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
    const SSL_CIPHER* cipher = sk_SSL_CIPHER_value(ciphers, i);
    if (SSL_CIPHER_get_auth_nid(cipher) == NID_auth_null || SSL_CIPHER_get_cipher_nid(cipher) == NID_undef) return false;
  }
  return true;
}

bool IsSuite(std::string_view name) {
  const Context context = NewContext();
  const bool known = context != nullptr && SSL_CTX_set_ciphersuites(context.get(), std::string(name).c_str()) == 1;
  ERR_clear_error();
  return known;
}

bool EachWord(std::string_view text, std::string_view separators, bool (*is_known)(std::string_view)) {
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(separators), text.size());
    if (end > 0 && !is_known(text.substr(0, end))) return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

}  // namespace

bool IsTlsCipherList(std::string_view text) {
  if (text.find('\0') != std::string_view::npos || !AllProtect(text)) return false;
  return EachWord(text, kSeparators, IsKnownWord);
}

bool IsTlsCipherSuites(std::string_view text) {
  if (text.find('\0') != std::string_view::npos || !IsSuite(text)) return false;
  return EachWord(text, ":", IsSuite);
}

}  // namespace mailmesh::config
