// The SMTP service extensions that the grammar knows, as a set. Thread-safe values.
#ifndef MAILMESH_COMMON_SMTP_EXTENSION_H_
#define MAILMESH_COMMON_SMTP_EXTENSION_H_

#include <cstdint>
#include <initializer_list>

namespace mailmesh::smtp {

enum class Extension : uint8_t {
  kPipelining,           // RFC 2920
  kSize,                 // RFC 1870
  k8BitMime,             // RFC 6152
  kSmtpUtf8,             // RFC 6531
  kChunking,             // RFC 3030
  kBinaryMime,           // RFC 3030
  kEnhancedStatusCodes,  // RFC 2034
  kDsn,                  // RFC 3461
  kStartTls,             // RFC 3207
  kAuth,                 // RFC 4954
  kRequireTls,           // RFC 8689
  kEtrn,                 // RFC 1985
  kVrfy,                 // RFC 5321, 3.5.2
  kExpn,                 // RFC 5321, 3.5.2
  kHelp,                 // RFC 5321, 4.1.1.8
};

class ExtensionSet {
 public:
  constexpr ExtensionSet() = default;
  constexpr ExtensionSet(std::initializer_list<Extension> list) {
    for (Extension extension : list) Add(extension);
  }
  constexpr bool Has(Extension extension) const { return (bits_ & Bit(extension)) != 0; }
  constexpr void Add(Extension extension) { bits_ |= Bit(extension); }
  constexpr void Remove(Extension extension) { bits_ &= ~Bit(extension); }
  constexpr bool empty() const { return bits_ == 0; }
  // What is here and not there.
  constexpr ExtensionSet Without(ExtensionSet other) const {
    ExtensionSet result;
    result.bits_ = bits_ & ~other.bits_;
    return result;
  }
  bool operator==(const ExtensionSet&) const = default;

 private:
  static constexpr uint32_t Bit(Extension extension) { return 1U << static_cast<unsigned>(extension); }
  uint32_t bits_ = 0;
};

}  // namespace mailmesh::smtp

#endif  // MAILMESH_COMMON_SMTP_EXTENSION_H_
