#include "common/config/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "common/base/file.h"
#include "common/base/status.h"
#include "tests/unit/common/config/sample.pb.h"

namespace mailmesh::config {
namespace {

using test::Sample;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Sample Good(std::string_view text) {
  Sample sample;
  EXPECT_EQ(FormatProblems("f", LoadYaml(text, &sample)), "");
  return sample;
}

std::string Bad(std::string_view text) {
  Sample sample;
  return FormatProblems("f", LoadYaml(text, &sample));
}

TEST(LoadYamlTest, EveryKindOfField) {
  const Sample sample = Good(R"(# a comment
name: 1.10
flag: true
small: -5
big: 9223372036854775807
count: 7
limit_bytes: 64KiB
plain: 18446744073709551615
ratio: 0.25
factor: 3
color: dark_blue
timeout: 1m30s
blob: AAEC
words: [one, two]
waits: [250ms, 2d]
parts:
  - path: /a
  - path: /b
    weight: 3
named:
  first: {path: /c}
  second.with.dots: {"path": "/d"}
pairs:
  "quoted key": value
  plain: "5"
numbered:
  7: seven
section:
  level: debug
right:
  path: /e
listen: "[::1]:0"
networks: [192.0.2.0/24, "2001:db8::/32", 198.51.100.7]
host: mail.example.org
maybe: 0
)");
  EXPECT_EQ(sample.name(), "1.10");  // a text stays as it was written
  EXPECT_TRUE(sample.flag());
  EXPECT_EQ(sample.small(), -5);
  EXPECT_EQ(sample.big(), INT64_MAX);
  EXPECT_EQ(sample.count(), 7u);
  EXPECT_EQ(sample.limit_bytes(), 65536u);
  EXPECT_EQ(sample.plain(), UINT64_MAX);
  EXPECT_EQ(sample.ratio(), 0.25);
  EXPECT_EQ(sample.factor(), 3);
  EXPECT_EQ(sample.color(), test::COLOR_DARK_BLUE);
  EXPECT_EQ(sample.timeout().seconds(), 90);
  EXPECT_EQ(sample.blob(), std::string("\0\1\2", 3));
  EXPECT_THAT(sample.words(), ElementsAre("one", "two"));
  ASSERT_EQ(sample.waits_size(), 2);
  EXPECT_EQ(sample.waits(0).nanos(), 250'000'000);
  EXPECT_EQ(sample.waits(1).seconds(), 2 * 86400);
  ASSERT_EQ(sample.parts_size(), 2);
  EXPECT_EQ(sample.parts(0).weight(), 1u);
  EXPECT_EQ(sample.parts(1).weight(), 3u);
  EXPECT_EQ(sample.named().at("first").path(), "/c");
  EXPECT_EQ(sample.named().at("second.with.dots").weight(), 1u);
  EXPECT_EQ(sample.pairs().at("quoted key"), "value");
  EXPECT_EQ(sample.pairs().at("plain"), "5");
  EXPECT_EQ(sample.numbered().at(7), "seven");
  EXPECT_EQ(sample.section().level(), "debug");
  EXPECT_EQ(sample.right().path(), "/e");
  EXPECT_TRUE(sample.has_maybe());
}

TEST(LoadYamlTest, DefaultsAndPresence) {
  for (const char* text : {"", "{}", "# nothing\n", "---\n", "timeout: null\nsection:\n"}) {
    const Sample sample = Good(text);
    EXPECT_EQ(sample.count(), 100u);
    EXPECT_EQ(sample.limit_bytes(), 25u << 20);
    EXPECT_EQ(sample.color(), test::COLOR_RED);
    EXPECT_EQ(sample.timeout().seconds(), 300);
    ASSERT_EQ(sample.waits_size(), 2);
    EXPECT_EQ(sample.waits(1).seconds(), 5);
    EXPECT_EQ(sample.given(), "x");
    EXPECT_EQ(sample.section().level(), "info");
    EXPECT_EQ(sample.section().inner().depth(), 2u);
    EXPECT_FALSE(sample.has_extra());
    EXPECT_FALSE(sample.has_right());
    EXPECT_FALSE(sample.has_maybe());
    EXPECT_EQ(sample.tree().label(), "leaf");
    EXPECT_FALSE(sample.tree().has_child());
  }
  EXPECT_EQ(Good("extra: {}").extra().inner().depth(), 2u);
  EXPECT_EQ(Good("tree: {child: {}}").tree().child().label(), "leaf");
}

TEST(LoadYamlTest, JsonIsYaml) {
  const Sample sample = Good(R"({"name": "a", "count": 3, "parts": [{"path": "x"}], "timeout": "7s"})");
  EXPECT_EQ(sample.count(), 3u);
  EXPECT_EQ(sample.parts(0).path(), "x");
  EXPECT_EQ(sample.timeout().seconds(), 7);
}

TEST(LoadYamlTest, AllMistakesAtOnceInTheOrderOfTheFile) {
  EXPECT_EQ(Bad(R"(name: fine
cuont: 7
flag: yes
small: 11
count: 0
count: 5
limit_bytes: 1KiB
ratio: 1.5
color: rde
timeout: 2h
words: [ok, Not, a, b]
parts:
  - weight: 0
named:
  x: 5
right: {path: a}
left: b
listen: localhost
networks: 192.0.2.0/33
sectoin: {}
)"),
            R"(f:2:1: cuont: is an unknown field; did you mean count?
f:3:7: flag: "yes" is not true or false
f:4:8: small: must be at most 10, is 11
f:5:8: count: must be at least 1, is 0
f:6:1: count: is given twice; the first is in line 5
f:7:14: limit_bytes: must be at least 64KiB, is 1KiB
f:8:8: ratio: must be at most 1, is 1.5
f:9:8: color: "rde" is not one of: red, dark_blue; did you mean red?
f:10:10: timeout: must be at most 1h, is 2h
f:11:8: words: must have at most 3 elements, has 4
f:11:13: words[1]: "Not" does not match [a-z]+
f:13:5: parts[0].path: is required: a text
f:13:13: parts[0].weight: must be at least 1, is 0
f:15:6: named.x: must be a section of fields (name: value), is "5"
f:17:1: left: cannot be given together with right
f:18:9: listen: "localhost" is not host:port, [v6]:port or unix:PATH
f:19:11: networks[0]: "192.0.2.0/33" is not an address block, like 192.0.2.0/24 or 2001:db8::/32
f:20:1: sectoin: is an unknown field; did you mean section?)");
}

TEST(LoadYamlTest, WrongTypes) {
  const std::pair<const char*, const char*> cases[] = {
      {"name: [a]", "f:1:7: name: must be a text, is a list"},
      {"name: {a: b}", "f:1:7: name: must be a text, is a section of fields"},
      {"count: \"5\"", "f:1:8: count: \"5\" is not a whole number, not negative"},
      {"count: -1", "f:1:8: count: -1 is out of range, from 0 to 4294967295"},
      {"count: 4294967296", "f:1:8: count: 4294967296 is out of range, from 0 to 4294967295"},
      {"count: 0x10", "f:1:8: count: \"0x10\" is not a whole number, not negative"},
      {"count: 1.5", "f:1:8: count: \"1.5\" is not a whole number, not negative"},
      {"small: abc", "f:1:8: small: \"abc\" is not a whole number"},
      {"ratio: nan", "f:1:8: ratio: \"nan\" is not a number"},
      {"flag: \"true\"", "f:1:7: flag: \"true\" is not true or false"},
      {"timeout: 5", "f:1:10: timeout: \"5\" is not a duration, like 30s or 5m"},
      {"limit_bytes: lots", "f:1:14: limit_bytes: \"lots\" is not a size, like 64KiB or 25MiB"},
      {"blob: \"*\"", "f:1:7: blob: \"*\" is not octets in base64"},
      {"parts: {path: a}", "f:1:8: parts: must be a list, is a section of fields"},
      {"section: deep", "f:1:10: section: must be a section of fields (name: value), is \"deep\""},
      {"pairs: [a]", "f:1:8: pairs: must be a section (name: value), is a list"},
      {"pairs: {a: }", "f:1:9: pairs.a: must be a text, is empty"},
      {"pairs: {a: b, a: c}", "f:1:15: pairs.a: is given twice; the first is in line 1"},
      {"numbered: {x: y}", "f:1:12: numbered.x: \"x\" is not a whole number"},
      {"[a, b]", "f:1:1: must be a section of fields (name: value), is a list"},
      {"given: \"\"", "f:1:8: given: must not be empty"},
      {"host: -a.b", "f:1:7: host: \"-a.b\" is not a host name, like mail.example.org"},
      {"color: unspecified", "f:1:8: color: \"unspecified\" is not one of: red, dark_blue"},
      {"color: COLOR_RED", "f:1:8: color: \"COLOR_RED\" is not one of: red, dark_blue"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(Bad(text), expected) << text;
}

TEST(LoadYamlTest, UnknownFieldsGetAHint) {
  EXPECT_EQ(Bad("limitBytes: 5"), "f:1:1: limitBytes: is an unknown field; did you mean limit_bytes?");
  EXPECT_EQ(Bad("limit-bytes: 5"), "f:1:1: limit-bytes: is an unknown field; did you mean limit_bytes?");
  EXPECT_EQ(Bad("section: {zzzzzzzz: 1}"), "f:1:11: section.zzzzzzzz: is an unknown field; known here: level, inner");
}

TEST(LoadYamlTest, WhatIsNoYaml) {
  EXPECT_THAT(Bad("name: [a"), HasSubstr("is no YAML"));
  EXPECT_THAT(Bad("name: a\nflag: : x"), HasSubstr("f:2:7: is no YAML"));
  EXPECT_THAT(Bad("a: &x 1\nb: *x"), HasSubstr("f:1:4: anchors (&name) are not supported"));
  EXPECT_THAT(Bad("name: a\n---\nname: b"), HasSubstr("is a second document"));
  EXPECT_THAT(Bad(std::string(100, '[')), HasSubstr("f:"));
  EXPECT_THAT(Bad(std::string(100'000, '[')), HasSubstr("f:"));
  EXPECT_THAT(Bad(std::string(5 << 20, ' ')), HasSubstr("larger than"));
  EXPECT_THAT(Bad("name: \"\\xff\\0\""), HasSubstr("is not UTF-8"));
}

TEST(LoadYamlTest, SecretFiles) {
  const std::string path = ::testing::TempDir() + "/config_loader_secret";
  ASSERT_TRUE(base::WriteFileAtomically(path, "x", 0644).ok());
  EXPECT_THAT(Bad("key_file: " + path), HasSubstr("is open to every user"));
  ASSERT_TRUE(base::WriteFileAtomically(path, "x", 0640).ok());
  EXPECT_EQ(Bad("key_file: " + path), "");
  std::remove(path.c_str());
  EXPECT_THAT(Bad("key_file: " + path), HasSubstr("No such file"));
  EXPECT_THAT(Bad("key_file: /tmp"), HasSubstr("is not a file"));
  Sample sample;
  EXPECT_TRUE(LoadYaml("key_file: /nowhere", &sample, {.check_files = false}).empty());
}

TEST(LoadFileTest, NamesTheFile) {
  const std::string path = ::testing::TempDir() + "/config_loader_file.yaml";
  Sample sample;
  std::remove(path.c_str());
  EXPECT_EQ(LoadFile(path, &sample).code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(base::WriteFileAtomically(path, "count: x\n").ok());
  const absl::Status status = LoadFile(path, &sample);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(base::Message(status), path + ":1:8: count: \"x\" is not a whole number, not negative");
  std::remove(path.c_str());
}

TEST(CompleteTest, FillsAndChecksAMessageMadeInCode) {
  Sample sample;
  sample.set_small(20);
  sample.add_parts();
  const std::string problems = FormatProblems("code", Complete(&sample));
  EXPECT_EQ(problems, "code: small: must be at most 10, is 20\ncode: parts[0].path: is required: a text");
  EXPECT_EQ(sample.count(), 100u);
}

}  // namespace
}  // namespace mailmesh::config
