// SortMessages and ThreadMessages over a real store. RFC 5256.
#include <gmock/gmock.h>

#include "services/mailbox_store/engine/search_record.h"
#include "tests/unit/services/mailbox_store/store_fixture.h"

namespace mailmesh::mailbox_store {
namespace {

using mailbox::v1::SortCriterion;
using mailbox::v1::SortMessagesRequest;
using mailbox::v1::SortMessagesResponse;
using mailbox::v1::ThreadMessagesRequest;
using mailbox::v1::ThreadMessagesResponse;
using testing::ElementsAre;
using testing::IsEmpty;

class SortedTest : public StoreFixture {
 protected:
  void Add(const std::string& header) { Deliver("ann", header + "\r\ntext\r\n"); }

  SortMessagesRequest Request(std::vector<SortCriterion::Key> keys, bool reverse = false) {
    SortMessagesRequest request;
    request.set_account_id("ann");
    request.set_mailbox_id(IdOf("ann", "INBOX"));
    request.mutable_key()->mutable_all_of();
    for (const SortCriterion::Key key : keys) {
      SortCriterion* criterion = request.add_criteria();
      criterion->set_key(key);
      criterion->set_reverse(reverse);
    }
    return request;
  }

  std::vector<uint32_t> Sort(const SortMessagesRequest& request) {
    auto reader = SortMessages(store(), request);
    EXPECT_TRUE(reader.ok()) << reader.status();
    std::vector<uint32_t> uids;
    for (;;) {
      SortMessagesResponse response;
      const auto more = (*reader)->Next(&response);
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.ok() || !*more) return uids;
      uids.insert(uids.end(), response.uids().begin(), response.uids().end());
    }
  }

  std::vector<uint32_t> Sort(std::vector<SortCriterion::Key> keys, bool reverse = false) {
    return Sort(Request(std::move(keys), reverse));
  }

  // "1 2- 3--": a dash for each level.
  std::string Thread(ThreadMessagesRequest::Algorithm algorithm) {
    ThreadMessagesRequest request;
    request.set_account_id("ann");
    request.set_mailbox_id(IdOf("ann", "INBOX"));
    request.mutable_key()->mutable_all_of();
    request.set_algorithm(algorithm);
    auto reader = ThreadMessages(store(), request);
    EXPECT_TRUE(reader.ok()) << reader.status();
    std::string out;
    for (;;) {
      ThreadMessagesResponse response;
      const auto more = (*reader)->Next(&response);
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.ok() || !*more) return out;
      for (int i = 0; i < response.uids_size(); ++i) {
        if (!out.empty()) out += ' ';
        out += std::to_string(response.uids(i)) + std::string(response.depths(i), '-');
      }
    }
  }
};

TEST_F(SortedTest, ByEachCriterion) {
  Add("From: Zoe <carol@x>\r\nTo: <b@x>\r\nCc: <q@x>\r\nSubject: Re: banana\r\nDate: Mon, 02 Mar 2026 10:00:00 +0100\r\n");
  clock_.Advance(absl::Seconds(5));
  Add("From: \"Last, First\" <alice@x>\r\nTo: <A@x>\r\nSubject: =?utf-8?q?=C3=84pfel?=\r\nDate: Mon, 02 Mar 2026 09:30:00 +0000\r\nX: x\r\n");
  clock_.Advance(absl::Seconds(5));
  Add("From: Bob@x\r\nTo: c@x\r\nCc: P@x\r\nSubject: [list] Banana\r\nX: xxxx\r\n");
  clock_.Advance(absl::Seconds(5));
  Add("Subject: apple\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000\r\n");
  EXPECT_THAT(Sort(std::vector<SortCriterion::Key>{}), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(Sort({SortCriterion::KEY_ARRIVAL}), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(Sort({SortCriterion::KEY_ARRIVAL}, true), ElementsAre(4, 3, 2, 1));
  // The empty text comes first; the name that is shown does not count.
  EXPECT_THAT(Sort({SortCriterion::KEY_FROM}), ElementsAre(4, 2, 3, 1));
  EXPECT_THAT(Sort({SortCriterion::KEY_TO}), ElementsAre(4, 2, 1, 3));
  EXPECT_THAT(Sort({SortCriterion::KEY_CC}), ElementsAre(2, 4, 3, 1));
  // Equal ones stay in mailbox order, in reverse too. RFC 5051, 2: an accent stands behind its letter.
  EXPECT_THAT(Sort({SortCriterion::KEY_SUBJECT}), ElementsAre(4, 2, 1, 3));
  EXPECT_THAT(Sort({SortCriterion::KEY_SUBJECT}, true), ElementsAre(1, 3, 2, 4));
  // The internal date, of 2023; 09:00, 09:30, 10:00 UTC.
  EXPECT_THAT(Sort({SortCriterion::KEY_DATE}), ElementsAre(3, 1, 2, 4));
  EXPECT_THAT(Sort({SortCriterion::KEY_SIZE}), ElementsAre(4, 3, 1, 2));
  SortMessagesRequest request = Request({SortCriterion::KEY_SUBJECT, SortCriterion::KEY_ARRIVAL});
  request.mutable_criteria(1)->set_reverse(true);
  EXPECT_THAT(Sort(request), ElementsAre(4, 2, 3, 1));
}

TEST_F(SortedTest, OnlyWhatMatches) {
  for (const char* subject : {"c", "b", "a", "bb"}) Add(std::string("Subject: ") + subject + "\r\n");
  SortMessagesRequest request = Request({SortCriterion::KEY_SUBJECT});
  request.mutable_key()->mutable_header()->set_field("Subject");
  request.mutable_key()->mutable_header()->set_text("b");
  EXPECT_THAT(Sort(request), ElementsAre(2, 4));
  request.mutable_within()->add_first(3);
  request.mutable_within()->add_last(kMaxUid);
  EXPECT_THAT(Sort(request), ElementsAre(4));
  request.mutable_key()->mutable_header()->set_text("nothing");
  EXPECT_THAT(Sort(request), IsEmpty());
}

TEST_F(SortedTest, LongTexts) {
  const std::string common(kMaxSearchText / 100, 'x');
  Add("Subject: " + common + "b\r\n");
  Add("Subject: " + common + "a\r\n");
  Add("Subject: " + std::string(300, 'y') + "b\r\n");
  Add("Subject: " + std::string(300, 'y') + "a\r\n");
  EXPECT_THAT(Sort({SortCriterion::KEY_SUBJECT}), ElementsAre(2, 1, 3, 4));
  EXPECT_THAT(Sort({SortCriterion::KEY_SUBJECT}, true), ElementsAre(3, 4, 1, 2));
}

TEST_F(SortedTest, WrongRequests) {
  Add("Subject: a\r\n");
  EXPECT_TRUE(absl::IsInvalidArgument(SortMessages(store(), Request({SortCriterion::KEY_UNSPECIFIED})).status()));
  EXPECT_FALSE(SortMessages(store(), Request(std::vector(51, SortCriterion::KEY_SIZE))).ok());
  EXPECT_TRUE(SortMessages(store(), Request(std::vector(50, SortCriterion::KEY_SIZE))).ok());
  SortMessagesRequest request = Request({});
  request.set_mailbox_id("99");
  EXPECT_TRUE(absl::IsNotFound(SortMessages(store(), request).status()));
  ThreadMessagesRequest thread;
  thread.set_account_id("ann");
  thread.set_mailbox_id(IdOf("ann", "INBOX"));
  thread.mutable_key()->mutable_all_of();
  EXPECT_TRUE(absl::IsInvalidArgument(ThreadMessages(store(), thread).status()));
}

TEST_F(SortedTest, Threads) {
  Add("Message-ID: <1@x>\r\nSubject: one\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000\r\n");
  Add("Message-ID: <2@x>\r\nSubject: Re: one\r\nReferences: <1@x>\r\nDate: Mon, 02 Mar 2026 11:00:00 +0000\r\n");
  Add("Message-ID: <3@x>\r\nSubject: Re: one\r\nIn-Reply-To: <\"2\"@x> (of yesterday)\r\nDate: Mon, 02 Mar 2026 12:00:00 +0000\r\n");
  Add("Message-ID: <4@x>\r\nSubject: two\r\nDate: Mon, 02 Mar 2026 09:00:00 +0000\r\n");
  Add("Message-ID: <5@x>\r\nSubject: Re: [list] one\r\nDate: Mon, 02 Mar 2026 13:00:00 +0000\r\n");
  EXPECT_EQ(Thread(ThreadMessagesRequest::ALGORITHM_REFERENCES), "4 1 2- 3-- 5-");
  EXPECT_EQ(Thread(ThreadMessagesRequest::ALGORITHM_ORDEREDSUBJECT), "4 1 2- 3- 5-");
}

// The search record keeps 8,192 octets of a field; the parent is the last reference, and stands behind them.
TEST_F(SortedTest, ReferencesBeyondTheSearchRecord) {
  Add("Message-ID: <1@x>\r\n");
  std::string references;
  for (int i = 0; i < 1000; ++i) references += " <" + std::to_string(i) + "@other>\r\n";
  Add("Message-ID: <2@x>\r\nReferences:" + references + " <1@x>\r\n");
  EXPECT_EQ(Thread(ThreadMessagesRequest::ALGORITHM_REFERENCES), "1 2-");
}

}  // namespace
}  // namespace mailmesh::mailbox_store
