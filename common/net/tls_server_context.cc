#include "common/net/tls_server_context.h"

#include <absl/base/thread_annotations.h>
#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/synchronization/mutex.h>
#include <openssl/err.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include "common/base/status.h"
#include "common/net/openssl_util.h"
#include "common/net/sleep.h"

namespace mailmesh::net {
namespace {

// Forward secrecy and AEAD; TLS 1.3's own list is fine as it is.
constexpr char kCiphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr char kGroups[] = "X25519:P-256:P-384";

// Which context answers for which name. Owned by the default context, so that it lives as long as any connection that
// may still look a name up, whatever is reloaded meanwhile.
struct NameTable {
  std::map<std::string, SslCtxPtr> exact;  // null: the default context itself
};

void FreeNameTable(void*, void* table, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<NameTable*>(table); }

int NameTableIndex() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, FreeNameTable);
  return index;
}

// RFC 6066, 3. A name that nobody has gets the default certificate: mail clients without the name in their store would
// complain in either case, and an alert would break opportunistic senders.
int ChooseByName(SSL* ssl, int*, void* argument) {
  const char* sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (sni == nullptr) return SSL_TLSEXT_ERR_NOACK;
  const auto* table = static_cast<const NameTable*>(argument);
  std::string name = absl::AsciiStrToLower(sni);
  auto found = table->exact.find(name);
  if (found == table->exact.end()) {
    // RFC 9525, 6.3: a wildcard stands for one label.
    const size_t dot = name.find('.');
    if (dot != std::string::npos) found = table->exact.find("*" + name.substr(dot));
  }
  if (found != table->exact.end() && found->second != nullptr) SSL_set_SSL_CTX(ssl, found->second.get());
  return SSL_TLSEXT_ERR_OK;
}

absl::Status LoadKeyPair(SSL_CTX* context, const TlsKeyPairFiles& files) {
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate_file.c_str()) != 1) {
    return OpenSslError(absl::StatusCode::kInvalidArgument, "certificate " + files.certificate_file);
  }
  SSL_CTX_set_default_passwd_cb(context, RefusePassword);
  if (SSL_CTX_use_PrivateKey_file(context, files.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return OpenSslError(absl::StatusCode::kInvalidArgument, "key " + files.key_file);
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    return OpenSslError(absl::StatusCode::kInvalidArgument,
                        absl::StrCat("key ", files.key_file, " does not belong to ", files.certificate_file));
  }
  return absl::OkStatus();
}

absl::Status AskForClientCertificate(SSL_CTX* context, const TlsServerOptions& options) {
  if (options.client_ca_file.empty()) {
    if (!options.require_client_certificate) return absl::OkStatus();
    return absl::InvalidArgumentError("client certificates are required but no authority for them is named");
  }
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(options.client_ca_file.c_str());
  if (names == nullptr || SSL_CTX_load_verify_file(context, options.client_ca_file.c_str()) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return OpenSslError(absl::StatusCode::kInvalidArgument, "client authority " + options.client_ca_file);
  }
  SSL_CTX_set_client_CA_list(context, names);  // takes them
  int mode = SSL_VERIFY_PEER;
  if (options.require_client_certificate) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(context, mode, nullptr);
  return absl::OkStatus();
}

// OpenSSL skips the words of a list that it does not know; what is left over must be something.
absl::Status SetCiphers(SSL_CTX* context, const TlsServerOptions& options) {
  const std::string list = options.ciphers.empty() ? kCiphers : options.ciphers;
  if (SSL_CTX_set_cipher_list(context, list.c_str()) != 1) {
    return OpenSslError(absl::StatusCode::kInvalidArgument, absl::StrCat("cipher list \"", list, "\""));
  }
  if (!options.cipher_suites.empty() && SSL_CTX_set_ciphersuites(context, options.cipher_suites.c_str()) != 1) {
    return OpenSslError(absl::StatusCode::kInvalidArgument, absl::StrCat("cipher suites \"", options.cipher_suites, "\""));
  }
  return absl::OkStatus();
}

absl::StatusOr<SslCtxPtr> NewContext(const TlsServerOptions& options, const TlsKeyPairFiles& files) {
  ERR_clear_error();
  SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return OpenSslError(absl::StatusCode::kInternal, "making a TLS context");
  SSL_CTX* raw = context.get();
  const int minimum = options.min_version == TlsVersion::kTls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // One read(2) for a record rather than one for its header and one for its body.
  SSL_CTX_set_read_ahead(raw, 1);
  // Tickets keep their state with the client; the cache would keep it here.
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 1);
  static constexpr unsigned char kSessionContext[] = "mailmesh";
  if (SSL_CTX_set_min_proto_version(raw, minimum) != 1 ||
      SSL_CTX_set1_groups_list(raw, kGroups) != 1 ||
      SSL_CTX_set_session_id_context(raw, kSessionContext, sizeof(kSessionContext) - 1) != 1) {
    return OpenSslError(absl::StatusCode::kInternal, "setting up a TLS context");
  }
  if (absl::Status status = SetCiphers(raw, options); !status.ok()) return status;
  if (absl::Status status = LoadKeyPair(raw, files); !status.ok()) return status;
  if (absl::Status status = AskForClientCertificate(raw, options); !status.ok()) return status;
  return context;
}

struct Loaded {
  SslCtxPtr context;
  absl::Time expiry = absl::InfiniteFuture();
};

// Everything anew, or an error and nothing.
absl::StatusOr<Loaded> LoadAll(const TlsServerOptions& options) {
  Loaded loaded;
  auto table = std::make_unique<NameTable>();
  for (const TlsKeyPairFiles& files : options.key_pairs) {
    absl::StatusOr<SslCtxPtr> context = NewContext(options, files);
    if (!context.ok()) return context.status();
    const X509* leaf = SSL_CTX_get0_certificate(context->get());
    loaded.expiry = std::min(loaded.expiry, FromAsn1Time(X509_get0_notAfter(leaf)));
    const bool is_default = loaded.context == nullptr;
    // The first pair that has a name answers for it.
    for (std::string& name : CertificateDnsNames(leaf)) {
      auto [entry, fresh] = table->exact.try_emplace(std::move(name), nullptr);
      if (!fresh || is_default) continue;
      SSL_CTX_up_ref(context->get());
      entry->second.reset(context->get());
    }
    if (is_default) loaded.context = *std::move(context);
  }
  SSL_CTX_set_tlsext_servername_callback(loaded.context.get(), ChooseByName);
  SSL_CTX_set_tlsext_servername_arg(loaded.context.get(), table.get());
  if (SSL_CTX_set_ex_data(loaded.context.get(), NameTableIndex(), table.get()) != 1) {
    return OpenSslError(absl::StatusCode::kInternal, "setting up a TLS context");
  }
  table.release();  // the context's now
  return loaded;
}

// Tells one state of a file from another, through symbolic links: Kubernetes renews a secret by exchanging one.
struct FileStamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  int64_t modified_ns = 0;
  bool operator==(const FileStamp&) const = default;
};

absl::StatusOr<FileStamp> StampOf(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return base::ErrnoStatus(errno, path);
  return FileStamp{info.st_dev, info.st_ino, info.st_size,
                   int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec};
}

absl::StatusOr<std::vector<FileStamp>> StampAll(const TlsServerOptions& options) {
  std::vector<std::string> paths;
  for (const TlsKeyPairFiles& files : options.key_pairs) {
    paths.push_back(files.certificate_file);
    paths.push_back(files.key_file);
  }
  if (!options.client_ca_file.empty()) paths.push_back(options.client_ca_file);
  std::vector<FileStamp> stamps;
  for (const std::string& path : paths) {
    absl::StatusOr<FileStamp> stamp = StampOf(path);
    if (!stamp.ok()) return stamp.status();
    stamps.push_back(*stamp);
  }
  return stamps;
}

}  // namespace

struct TlsServerContext::State {
  TlsServerOptions options;
  mutable absl::Mutex mutex;
  std::vector<FileStamp> stamps ABSL_GUARDED_BY(mutex);
  Loaded loaded ABSL_GUARDED_BY(mutex);
};

TlsServerContext::TlsServerContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsServerContext::~TlsServerContext() = default;

absl::StatusOr<std::shared_ptr<TlsServerContext>> TlsServerContext::Create(TlsServerOptions options) {
  if (options.key_pairs.empty()) return absl::InvalidArgumentError("a TLS server needs a certificate and its key");
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  auto context = std::shared_ptr<TlsServerContext>(new TlsServerContext(std::move(state)));
  absl::StatusOr<bool> loaded = context->ReloadIfChanged();
  if (!loaded.ok()) return loaded.status();
  return context;
}

absl::StatusOr<bool> TlsServerContext::ReloadIfChanged() {
  // Stamps first: what changes while it is read is seen the next time.
  absl::StatusOr<std::vector<FileStamp>> stamps = StampAll(state_->options);
  if (!stamps.ok()) return stamps.status();
  {
    absl::MutexLock lock(&state_->mutex);
    if (*stamps == state_->stamps) return false;
  }
  absl::StatusOr<Loaded> loaded = LoadAll(state_->options);
  if (!loaded.ok()) return loaded.status();
  absl::MutexLock lock(&state_->mutex);
  state_->stamps = *std::move(stamps);
  std::swap(state_->loaded, *loaded);  // the old one is freed after its last connection
  return true;
}

absl::Time TlsServerContext::expiry() const {
  absl::MutexLock lock(&state_->mutex);
  return state_->loaded.expiry;
}

ssl_ctx_st* TlsServerContext::NewReference() const {
  absl::MutexLock lock(&state_->mutex);
  SSL_CTX_up_ref(state_->loaded.context.get());
  return state_->loaded.context.get();
}

Awaitable<void> TlsServerContext::WatchFiles(std::weak_ptr<TlsServerContext> context, Duration interval,
                                             ReloadHook hook) {
  absl::Status last;
  for (;;) {
    co_await SleepFor(interval);
    std::shared_ptr<TlsServerContext> alive = context.lock();
    if (alive == nullptr) co_return;
    absl::StatusOr<bool> changed = alive->ReloadIfChanged();
    const bool worth_telling = changed.ok() ? *changed : changed.status() != last;
    last = changed.status();
    if (worth_telling && hook) hook(last);
  }
}

}  // namespace mailmesh::net
