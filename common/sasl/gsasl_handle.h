// RAII for GNU SASL. Private to common/sasl: no other folder includes <gsasl.h>.
#ifndef MAILMESH_COMMON_SASL_GSASL_HANDLE_H_
#define MAILMESH_COMMON_SASL_GSASL_HANDLE_H_

#include <gsasl.h>
#include <openssl/crypto.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace mailmesh::sasl {

struct GsaslDelete {
  void operator()(Gsasl* library) const { gsasl_done(library); }
};
using GsaslHandle = std::unique_ptr<Gsasl, GsaslDelete>;

struct GsaslSessionDelete {
  void operator()(Gsasl_session* session) const {
    // The library frees its copy of the password as it is: wipe it first. The pointer is into the session's own memory.
    if (const char* password = gsasl_property_fast(session, GSASL_PASSWORD)) {
      OPENSSL_cleanse(const_cast<char*>(password), std::strlen(password));
    }
    gsasl_finish(session);
  }
};
using GsaslSessionHandle = std::unique_ptr<Gsasl_session, GsaslSessionDelete>;

// One step; what the library allocated is copied, wiped and freed.
inline int GsaslStep(Gsasl_session* session, std::string_view input, std::string& output) {
  char* data = nullptr;
  size_t size = 0;
  int rc = gsasl_step(session, input.data(), input.size(), &data, &size);
  output.clear();
  if (data != nullptr) {
    if (rc == GSASL_OK || rc == GSASL_NEEDS_MORE) output.assign(data, size);
    OPENSSL_cleanse(data, size);
    gsasl_free(data);
  }
  return rc;
}

}  // namespace mailmesh::sasl

#endif  // MAILMESH_COMMON_SASL_GSASL_HANDLE_H_
