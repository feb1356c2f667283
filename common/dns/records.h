// From the record data of an answer, in wire format, to values. Private to common/dns.
//
// Pure functions on octets that strangers wrote: anything malformed is nullopt.
#ifndef MAILMESH_COMMON_DNS_RECORDS_H_
#define MAILMESH_COMMON_DNS_RECORDS_H_

#include <optional>
#include <string>
#include <string_view>

#include "common/dns/resolver.h"
#include "common/net/address.h"

namespace mailmesh::dns {

// RFC 1035, 3.3: an uncompressed name in lower case without the final dot, "" for the root. Names with octets that no
// host name has (dots inside labels, spaces, controls) are refused: nobody can connect to them, and they confuse logs.
std::optional<std::string> ParseWireName(std::string_view octets);

std::optional<net::IpAddress> ParseA(std::string_view octets);
std::optional<net::IpAddress> ParseAaaa(std::string_view octets);
std::optional<MxRecord> ParseMx(std::string_view octets);
// RFC 6698, 2.1.
std::optional<TlsaRecord> ParseTlsa(std::string_view octets);
// RFC 1035, 3.3.14; the strings joined.
std::optional<std::string> ParseTxt(std::string_view octets);

}  // namespace mailmesh::dns

#endif  // MAILMESH_COMMON_DNS_RECORDS_H_
