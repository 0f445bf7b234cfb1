*** Settings ***
Documentation       The remote library interface, by Robot Framework's own client, against the protocol's test server.
...                 Run by tests/protocol/test_robot.py, which gives the URL.
Library             Remote    ${URL}    AS    Server
Library             Collections

*** Variables ***
${URL}              http://127.0.0.1:8270

*** Test Cases ***
Text Of Every Kind Comes Back
    FOR    ${text}    IN    plain    ${EMPTY}    é    中文    😀 emoji    <&>    ${SPACE}x${SPACE}
        ${back}=    Server.Echo    ${text}
        Should Be Equal    ${back}    ${text}
    END

Types Come Back
    FOR    ${value}    IN    ${42}    ${-1}    ${1.5}    ${True}    ${False}
        ${back}=    Server.Echo    ${value}
        Should Be Equal    ${back}    ${value}
        Should Be Equal    ${{type($back)}}    ${{type($value)}}
    END

Lists And Dictionaries Come Back
    ${list}=    Create List    a    ${1}
    ${dict}=    Create Dictionary    key=${list}    other=x
    ${back}=    Server.Echo    ${dict}
    Should Be Equal    ${back}    ${dict}
    Should Be Equal    ${back.key}[1]    ${1}

Bytes Come Back
    ${bytes}=    Evaluate    bytes(range(256))
    ${back}=    Server.Raw Bytes
    Should Be Equal    ${back}    ${bytes}
    ${count}=    Server.Count Bytes    ${bytes}
    Should Be Equal    ${count}    ${256}

Text With Control Characters Is Understood
    ${back}=    Server.Typed    a\x03b
    Should Be Equal    ${back.text}    a␃b

Nothing Is None
    ${back}=    Server.Nothing
    Should Be Equal    ${back}    ${None}

Robot Converts By The Types
    ${back}=    Server.Typed    x    2    1.5    yes    1 min 30 s    RX_only    ['a', 'b']    [1, 2]    {'k': 1}
    Should Be Equal    ${back.number}    ${2}
    Should Be Equal    ${back.real}    ${1.5}
    Should Be Equal    ${back.truth}    ${True}
    Should Be Equal    ${back.time}    ${90000}
    Should Be Equal    ${back.mode}    rx only
    Should Be Equal    ${back.texts}    ${{['a', 'b']}}
    Should Be Equal    ${back.numbers}    ${{[1, 2]}}
    Should Be Equal    ${back.dict}    ${{{'k': 1}}}

Gaps Are Filled With Defaults
    ${back}=    Server.Typed    x    mode=mac
    Should Be Equal    ${back.number}    ${1}
    Should Be Equal    ${back.mode}    mac
    ${back}=    Server.Typed    x    either=5    timeout=1 s
    Should Be Equal    ${back.either}    ${5}

Auto And None Are Understood
    ${back}=    Server.Typed    x    either=auto    maybe=none
    Should Be Equal    ${back.either}    ${-1}
    Should Be Equal    ${back.maybe}    ${None}
    ${back}=    Server.Typed    x    maybe=${None}
    Should Be Equal    ${back.maybe}    ${None}

Any Number And Free Named
    ${back}=    Server.Many    a    b    c    count=3    x=y
    Should Be Equal    ${back.rest}    ${{['b', 'c']}}
    Should Be Equal    ${back.count}    ${3}
    Should Be Equal    ${back.options}    ${{{'x': 'y'}}}

A Wrong Value Is Refused By Robot Or The Server
    Run Keyword And Expect Error    *number*two*    Server.Typed    x    two
    Run Keyword And Expect Error    Typed: argument 'number': expected an integer from 1 to 255, got '256'
    ...    Server.Typed    x    256

A Failure Has Its Message
    Run Keyword And Expect Error    it broke é😀    Server.Fail With    it broke é😀

A Failure Can Be Continuable
    [Documentation]    FAIL Several failures occurred:\n\n1) one\n\n2) two
    [Tags]    expected
    Server.Fail With    one    continuable=True
    Server.Fail With    two    continuable=True

Messages Have Their Levels
    [Documentation]    The log of this one is read by test_robot.py.
    Server.Log Lines

A Keyword Time Out Cancels The Call
    [Documentation]    FAIL Keyword timeout 300 milliseconds exceeded.
    [Tags]    expected
    Wait Too Long

*** Keywords ***
Wait Too Long
    [Timeout]    300 ms
    Server.Wait For Nothing    60 s
