"""Whether what is stored is what was sent, below the trace fields that were put on top."""
import re

from tests.support.octets import split_trace

_TRACE = re.compile(rb"(?:(?:Return-Path|Received|Delivered-To|X-Original-To):[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)*")


def same(stored, sent):
    trace = split_trace(stored, sent)
    return trace is not None and _TRACE.fullmatch(trace) is not None
