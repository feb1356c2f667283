#include "common/imap/body_structure.h"

#include "common/imap/chars.h"
#include "common/imap/envelope.h"
#include "common/imap/quote.h"

namespace mailmesh::imap {
namespace {

using mime::Part;
using mime::PartKind;

constexpr std::string_view kEmptyText = R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0)";

class Writer {
 public:
  Writer(std::string& out, const mime::Structure& structure, const BodyStructureOptions& options)
      : out_(out), structure_(structure), options_(options) {}

  void Write(mime::PartIndex index, int depth) {
    const Part& part = structure_.parts[index];
    out_.push_back('(');
    if (part.kind == PartKind::kMultipart && !IsOpaque(part, depth)) {
      Multipart(part, depth);
    } else {
      Single(part, depth);
    }
    out_.push_back(')');
  }

 private:
  static bool IsOpaque(const Part& part, int depth) { return part.opaque || depth >= kMaxBodyDepth; }

  void Space() { out_.push_back(' '); }

  // RFC 3501, 9 (body-type-mpart)
  void Multipart(const Part& part, int depth) {
    for (mime::PartIndex child = part.first_child; child != mime::kNoPart; child = structure_.parts[child].next_sibling) {
      Write(child, depth + 1);
    }
    // The grammar wants at least one part.
    if (part.first_child == mime::kNoPart) {
      out_.append(kEmptyText);
      out_.append(options_.extensible ? " NIL NIL NIL NIL)" : ")");
    }
    Space();
    AppendString(out_, part.subtype);
    if (!options_.extensible) return;
    Space();
    Parameters(part.parameters, false);
    Extension(part);
  }

  // RFC 3501, 9 (body-type-1part)
  void Single(const Part& part, int depth) {
    const bool inner = part.kind == PartKind::kMultipart || part.kind == PartKind::kMessage;
    const bool opaque = part.opaque || (inner && IsOpaque(part, depth));
    AppendString(out_, opaque ? "application" : part.type);
    Space();
    AppendString(out_, opaque ? "octet-stream" : part.subtype);
    Space();
    if (opaque) {
      out_.append("NIL");
    } else {
      Parameters(part.parameters, part.kind == PartKind::kText);
    }
    Space();
    AppendNString(out_, part.content_id);
    Space();
    AppendNString(out_, part.description);
    Space();
    AppendString(out_, part.transfer_encoding ? std::string_view(*part.transfer_encoding) : "7bit");
    Space();
    internal::AppendNumber(out_, part.body_size);
    if (!opaque) KindFields(part, depth);
    if (!options_.extensible) return;
    Space();
    AppendNString(out_, part.md5);
    Extension(part);
  }

  // What text parts and messages have beyond others.
  void KindFields(const Part& part, int depth) {
    if (part.kind == PartKind::kMessage && ShowsMessage(part)) {
      const Part& child = structure_.parts[part.first_child];
      Space();
      AppendEnvelope(out_, child.envelope ? *child.envelope : mime::Envelope());
      Space();
      Write(part.first_child, depth + 1);
    } else if (part.kind != PartKind::kText) {
      return;
    }
    Space();
    internal::AppendNumber(out_, part.body_lines);
  }

  bool ShowsMessage(const Part& part) const {
    return part.first_child != mime::kNoPart && (options_.rev2 || internal::EqualsUpper(part.subtype, "RFC822"));
  }

  // RFC 3501, 9 (body-fld-param). RFC 2045, 5.2: a text part's charset is us-ascii unless it says otherwise.
  void Parameters(const std::vector<mime::Parameter>& parameters, bool is_text) {
    if (parameters.empty() && !is_text) {
      out_.append("NIL");
      return;
    }
    out_.push_back('(');
    bool first = true;
    bool has_charset = false;
    for (const mime::Parameter& parameter : parameters) {
      if (!first) Space();
      first = false;
      AppendString(out_, parameter.name);
      Space();
      AppendString(out_, parameter.value);
      has_charset = has_charset || internal::EqualsUpper(parameter.name, "CHARSET");
    }
    if (is_text && !has_charset) out_.append(first ? R"("charset" "us-ascii")" : R"( "charset" "us-ascii")");
    out_.push_back(')');
  }

  // Disposition, language, location.
  void Extension(const Part& part) {
    Space();
    if (part.disposition) {
      out_.push_back('(');
      AppendString(out_, *part.disposition);
      Space();
      Parameters(part.disposition_parameters, false);
      out_.push_back(')');
    } else {
      out_.append("NIL");
    }
    Space();
    Languages(part.languages);
    Space();
    AppendNString(out_, part.location);
  }

  void Languages(const std::vector<std::string>& languages) {
    if (languages.empty()) {
      out_.append("NIL");
      return;
    }
    for (size_t i = 0; i < languages.size(); ++i) {
      out_.push_back(i == 0 ? '(' : ' ');
      AppendString(out_, languages[i]);
    }
    out_.push_back(')');
  }

  std::string& out_;
  const mime::Structure& structure_;
  const BodyStructureOptions& options_;
};

}  // namespace

void AppendBodyStructure(std::string& out, const mime::Structure& structure, const BodyStructureOptions& options) {
  Writer(out, structure, options).Write(0, 0);
}

}  // namespace mailmesh::imap
