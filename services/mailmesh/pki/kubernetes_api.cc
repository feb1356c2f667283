#include "services/mailmesh/pki/kubernetes_api.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/base/file.h"
#include "common/base/status.h"

namespace mailmesh::pki {
namespace {

constexpr size_t kMaxAnswer = 4 << 20;
constexpr long kConnectSeconds = 5;
constexpr long kRequestSeconds = 10;
constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr absl::Duration kFirstPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestPause = absl::Seconds(3);

using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

size_t TakeBody(char* data, size_t size, size_t count, void* body) {
  auto* text = static_cast<std::string*>(body);
  if (text->size() + size * count > kMaxAnswer) return 0;  // ends the transfer
  text->append(data, size * count);
  return size * count;
}

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

absl::StatusOr<std::string> ReadLine(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, base::ReadFile(path, 1 << 20));
  return std::string(absl::StripAsciiWhitespace(text));
}

Headers Add(Headers headers, const std::string& line) {
  curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
  (void)headers.release();
  return Headers(longer, &curl_slist_free_all);
}

bool IsWorthAnotherTry(const absl::StatusOr<HttpAnswer>& answer) {
  if (!answer.ok()) return absl::IsUnavailable(answer.status());
  return answer->code == 429 || answer->code >= 500;
}

}  // namespace

struct KubernetesApi::Curl {
  // One handle for all requests: they share a connection.
  CURL* handle = curl_easy_init();
  char error[CURL_ERROR_SIZE] = "";
  ~Curl() { curl_easy_cleanup(handle); }
};

absl::StatusOr<std::unique_ptr<KubernetesApi>> KubernetesApi::InCluster(const std::string& service_account) {
  std::string host = FromEnvironment("KUBERNETES_SERVICE_HOST");
  std::string port = FromEnvironment("KUBERNETES_SERVICE_PORT_HTTPS");
  if (port.empty()) port = FromEnvironment("KUBERNETES_SERVICE_PORT");
  const absl::StatusOr<std::string> name_space = ReadLine(service_account + "/namespace");
  if (host.empty() || port.empty() || !name_space.ok() || !base::FileExists(service_account + "/token")) {
    return absl::FailedPreconditionError(absl::StrCat(
        "--kubernetes works in a pod only, with its service account's token in ", service_account,
        " (automountServiceAccountToken: true) and KUBERNETES_SERVICE_HOST in its environment"));
  }
  if (absl::StrContains(host, ':')) host = absl::StrCat("[", host, "]");
  return std::unique_ptr<KubernetesApi>(
      new KubernetesApi(service_account, absl::StrCat("https://", host, ":", port), *name_space));
}

KubernetesApi::KubernetesApi(std::string folder, std::string url, std::string name_space)
    : folder_(std::move(folder)), url_(std::move(url)), namespace_(std::move(name_space)), curl_(std::make_unique<Curl>()) {}

KubernetesApi::~KubernetesApi() = default;

absl::StatusOr<HttpAnswer> KubernetesApi::Request(const std::string& method, const std::string& path,
                                                  const std::string& content_type, const std::string& body) {
  absl::Duration pause = kFirstPause;
  for (const absl::Time limit = absl::Now() + kPatience;; pause = std::min(pause * 2, kLongestPause)) {
    absl::StatusOr<HttpAnswer> answer = Try(method, path, content_type, body);
    if (!IsWorthAnotherTry(answer) || absl::Now() + pause > limit) return answer;
    absl::SleepFor(pause);
  }
}

absl::StatusOr<HttpAnswer> KubernetesApi::Try(const std::string& method, const std::string& path,
                                              const std::string& content_type, const std::string& body) {
  CURL* handle = curl_->handle;
  if (handle == nullptr) return absl::InternalError("libcurl cannot be used");
  ASSIGN_OR_RETURN(const std::string token, ReadLine(folder_ + "/token"));
  Headers headers(nullptr, &curl_slist_free_all);
  headers = Add(std::move(headers), absl::StrCat("Authorization: Bearer ", token));
  headers = Add(std::move(headers), "Accept: application/json");
  const std::string url = url_ + path;
  const std::string authority = folder_ + "/ca.crt";
  HttpAnswer answer;
  curl_easy_reset(handle);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, curl_->error);
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(handle, CURLOPT_CAINFO, authority.c_str());
  curl_easy_setopt(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT, kRequestSeconds);
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method.c_str());
  if (!body.empty()) {
    headers = Add(std::move(headers), absl::StrCat("Content-Type: ", content_type));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  }
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &TakeBody);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer.body);
  curl_->error[0] = '\0';
  if (const CURLcode code = curl_easy_perform(handle); code != CURLE_OK) {
    const std::string text = absl::StrCat(url_, ": ", curl_->error[0] != '\0' ? curl_->error : curl_easy_strerror(code));
    // A server that is not the cluster's does not become it by waiting.
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) return absl::UnauthenticatedError(text);
    return absl::UnavailableError(text);
  }
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer.code);
  return answer;
}

}  // namespace mailmesh::pki
