// Looking names up in the DNS.
//
// The outcome has three kinds, which must not be mixed up, since one of them bounces mail:
//   a Status              nothing is known: Unavailable (SERVFAIL, refused, no server, bogus signatures: IsBogus()),
//                         DeadlineExceeded, Cancelled; or InvalidArgument: the name can never exist in the DNS. All but
//                         the last are temporary.
//   existence != kFound   the DNS says with authority that there is nothing.
//   kFound                records.
// Names are UTF-8 or A-labels, with or without the final dot; names in answers are A-labels in lower case without it.
// Thread-safety: from any executor; the answer arrives on the caller's. A resolver must outlive its look-ups.
#ifndef MAILMESH_COMMON_DNS_RESOLVER_H_
#define MAILMESH_COMMON_DNS_RESOLVER_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/net/address.h"
#include "common/net/awaitable.h"

namespace mailmesh::dns {

enum class Existence {
  kFound,
  kNoData,    // the name is there, the type is not
  kNxDomain,  // no such name
};

enum class Dnssec {
  kInsecure,  // not signed, or not checked
  kSecure,    // validated from a trust anchor
};

struct AnswerFacts {
  Existence existence = Existence::kNoData;
  Dnssec dnssec = Dnssec::kInsecure;
  // How long it may be kept; for kNoData and kNxDomain: 0 where the server did not say.
  std::chrono::seconds ttl{0};
  // After CNAMEs; the name asked for where there was none.
  std::string canonical_name;

  bool found() const { return existence == Existence::kFound; }
  bool secure() const { return dnssec == Dnssec::kSecure; }
};

struct MxRecord {
  uint16_t preference = 0;
  std::string exchange;
  friend bool operator==(const MxRecord&, const MxRecord&) = default;
};

struct MxAnswer : AnswerFacts {
  // By ascending preference; equal ones in random order (RFC 5321, 5.1). Empty for a null MX, and where no record is
  // usable.
  std::vector<MxRecord> records;
  bool null_mx = false;           // RFC 7505: the domain takes no mail, for good
};

struct AddressAnswer : AnswerFacts {
  std::vector<net::IpAddress> addresses;  // IPv6 first, then IPv4
  // One family failed while the other answered: what is there can be used, but "nothing" would be a guess (then it is a
  // Status).
  bool partial = false;
};

struct TlsaRecord {
  uint8_t usage = 0;
  uint8_t selector = 0;
  uint8_t matching_type = 0;
  std::string data;  // octets
};

struct TlsaAnswer : AnswerFacts {
  std::vector<TlsaRecord> records;
};

struct TxtAnswer : AnswerFacts {
  std::vector<std::string> texts;  // the strings of one record joined (RFC 7208, 3.3)
};

struct NameAnswer : AnswerFacts {
  std::vector<std::string> names;
};

// True when a Status says that DNSSEC validation failed (RFC 4035, 5): no record may be used.
bool IsBogus(const absl::Status& status);
absl::Status BogusError(const std::string& why);

class Resolver {
 public:
  virtual ~Resolver() = default;

  virtual net::Awaitable<absl::StatusOr<MxAnswer>> ResolveMx(std::string domain, net::TimePoint deadline) = 0;
  // A and AAAA. An IP address as `host` is InvalidArgument.
  virtual net::Awaitable<absl::StatusOr<AddressAnswer>> ResolveAddresses(std::string host, net::TimePoint deadline) = 0;
  // `name` in full: "_25._tcp.mx.example".
  virtual net::Awaitable<absl::StatusOr<TlsaAnswer>> ResolveTlsa(std::string name, net::TimePoint deadline) = 0;
  virtual net::Awaitable<absl::StatusOr<TxtAnswer>> ResolveTxt(std::string name, net::TimePoint deadline) = 0;
  virtual net::Awaitable<absl::StatusOr<NameAnswer>> ResolvePtr(net::IpAddress address, net::TimePoint deadline) = 0;
};

}  // namespace mailmesh::dns

#endif  // MAILMESH_COMMON_DNS_RESOLVER_H_
