#include "common/net/pki.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/common/net/net_test_util.h"

namespace mailmesh::net {
namespace {

LeafRequest Request() {
  LeafRequest request;
  request.common_name = "imap gateway";
  request.dns_names = {"mail.example.test", "*.example.test"};
  request.ip_addresses = {IpAddress::LoopbackV4(), IpAddress::Parse("::1").value()};
  request.uris = {"mailmesh://role/imap_gateway"};
  return request;
}

TEST(PkiTest, IssuesWhatWasAskedFor) {
  CertificateAuthority authority = CertificateAuthority::Create("Test").value();
  PemPair leaf = authority.Issue(Request()).value();
  CertificateInfo info = DescribeCertificate(leaf.certificate).value();
  EXPECT_EQ(info.subject, "CN=imap gateway");
  EXPECT_THAT(info.names, testing::ElementsAre("mail.example.test", "*.example.test", "127.0.0.1", "::1",
                                               "mailmesh://role/imap_gateway"));
  EXPECT_LT(info.not_before, absl::Now());
  EXPECT_GT(info.not_after, absl::Now() + absl::Hours(24 * 390));
  CertificateInfo other = DescribeCertificate(authority.Issue(Request())->certificate).value();
  EXPECT_NE(info.serial, other.serial);
}

TEST(PkiTest, LeafDoesNotOutliveItsAuthority) {
  CertificateAuthority authority = CertificateAuthority::Create("Short", absl::Hours(1)).value();
  CertificateInfo info = DescribeCertificate(authority.Issue(Request())->certificate).value();
  EXPECT_LE(info.not_after, absl::Now() + absl::Hours(1));
}

TEST(PkiTest, TellsCertificatesAndTheirAuthoritiesApart) {
  CertificateAuthority one = CertificateAuthority::Create("Same name").value();
  CertificateAuthority other = CertificateAuthority::Create("Same name").value();
  PemPair leaf = one.Issue(Request()).value();
  EXPECT_TRUE(IsSignedBy(leaf.certificate, one.pem().certificate));
  EXPECT_FALSE(IsSignedBy(leaf.certificate, other.pem().certificate));
  EXPECT_FALSE(IsSignedBy("", one.pem().certificate));
  EXPECT_TRUE(IsKeyOf(leaf.key, leaf.certificate));
  EXPECT_FALSE(IsKeyOf(one.pem().key, leaf.certificate));
  EXPECT_FALSE(IsKeyOf("", leaf.certificate));
  const std::string text = "# ours\n" + one.pem().certificate + leaf.key + "and\r\n" + other.pem().certificate;
  EXPECT_THAT(SplitCertificates(text).value(), testing::ElementsAre(one.pem().certificate, other.pem().certificate));
  EXPECT_THAT(SplitCertificates("").value(), testing::IsEmpty());
  // A certificate that is cut off is an error, not one less.
  EXPECT_FALSE(SplitCertificates(text.substr(0, text.size() - 40)).ok());
  EXPECT_FALSE(SplitCertificates("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").ok());
}

TEST(PkiTest, RefusesBadRequests) {
  CertificateAuthority authority = CertificateAuthority::Create("Test").value();
  LeafRequest empty;
  EXPECT_TRUE(absl::IsInvalidArgument(authority.Issue(empty).status()));
  LeafRequest utf8 = Request();
  utf8.dns_names = {"m\xc3\xbcller.test"};
  EXPECT_TRUE(absl::IsInvalidArgument(authority.Issue(utf8).status()));
  // What OpenSSL's text syntax would take for another name is just an octet of this one.
  LeafRequest tricky = Request();
  tricky.dns_names = {"a.test,DNS:evil.test"};
  CertificateInfo info = DescribeCertificate(authority.Issue(tricky)->certificate).value();
  EXPECT_EQ(info.names.front(), "a.test,dns:evil.test");
}

TEST(PkiTest, FilesComeBackAndKeysArePrivate) {
  TempFolder folder;
  CertificateAuthority authority = CertificateAuthority::Create("Test").value();
  ASSERT_TRUE(authority.Save(folder / "ca.pem", folder / "ca.key").ok());
  struct stat info;
  ASSERT_EQ(stat((folder / "ca.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  CertificateAuthority loaded = CertificateAuthority::Load(folder / "ca.pem", folder / "ca.key").value();
  EXPECT_TRUE(loaded.Issue(Request()).ok());
  EXPECT_TRUE(absl::IsNotFound(CertificateAuthority::Load(folder / "no.pem", folder / "ca.key").status()));
}

TEST(PkiTest, RefusesAKeyOfAnother) {
  PemPair one = CertificateAuthority::Create("One")->pem();
  PemPair two = CertificateAuthority::Create("Two")->pem();
  EXPECT_TRUE(absl::IsInvalidArgument(CertificateAuthority::FromPem({one.certificate, two.key}).status()));
  CertificateAuthority authority = CertificateAuthority::Create("Test").value();
  EXPECT_TRUE(absl::IsInvalidArgument(CertificateAuthority::FromPem(*authority.Issue(Request())).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(DescribeCertificate("nonsense").status()));
}

}  // namespace
}  // namespace mailmesh::net
