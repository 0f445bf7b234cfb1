*** Settings ***
Documentation       testpmd in a VM that was started without a payload.
Resource            acceptance.resource

Suite Setup         Set Up Testpmd
Suite Teardown      Tear Down Suite With Sockets


*** Variables ***
${VM}           pmd
@{COUNTERS}     port    rx_packets    tx_packets    rx_bytes    tx_bytes    rx_missed    rx_errors
...             tx_errors


*** Test Cases ***
There Is No Testpmd Before It Is Started
    Should Fail At Once    *no testpmd runs in VM '${VM}'*    Get Testpmd Stats    ${VM}
    Should Fail At Once    *no testpmd runs in VM '${VM}'*    Stop Testpmd In VM    ${VM}
    Should Fail At Once    *no testpmd runs in VM '${VM}'*    Testpmd Command    ${VM}    show port summary all

Options That Do Not Fit The VM Are Refused
    Should Fail At Once    *argument 'cpus'*2 vCPUs*got 3*    Run Testpmd In VM    ${VM}    cpus=3
    Should Fail At Once    *argument 'queues'*1 queues*got 2*    Run Testpmd In VM    ${VM}    queues=2
    Should Fail At Once    *argument 'peer_macs'*at most 2*got 3*    Run Testpmd In VM    ${VM}
    ...    peer_macs=${{['02:00:00:00:00:01'] * 3}}
    Should Fail At Once    *argument 'mbufs'*at least*got 100*    Run Testpmd In VM    ${VM}    mbufs=100
    Should Fail At Once    *argument 'forward_mode'*'sideways'*    Call Server    Run Testpmd In VM    ${VM}    sideways
    Should Fail At Once    *argument 'burst'*'many'*    Call Server    Run Testpmd In VM    ${VM}    burst=many
    Should Fail At Once    *argument 'colour'*    Call Server    Run Testpmd In VM    ${VM}    colour=red

A Bad Option Fails With Testpmd's Own Words
    ${error}=    Run Keyword And Expect Error    *    Run Testpmd In VM    ${VM}
    ...    extra_args=${{['--no-such-option']}}
    Should Contain    ${error}    no-such-option
    Should Contain    ${error}    testpmd
    Wait Until Keyword Succeeds    5 s    50 ms    No Testpmd Should Run

Testpmd Forwards And Names Its Ports
    ${testpmd}=    Run Testpmd In VM    ${VM}    forward_mode=io    burst=32    rxd=512    txd=256
    ${info}=    Get VM Info    ${VM}
    Should Be Equal    ${{[p['port'] for p in $testpmd['ports']]}}    ${{[0, 1]}}
    FOR    ${port}    IN    ${0}    ${1}
        Should Be Equal    ${testpmd}[ports][${port}][mac_address]    ${info}[interfaces][vhost${port + 1}][mac_address]
        ...    ignore_case=True
        Should Be Equal    ${testpmd}[ports][${port}][pci_address]    ${info}[interfaces][vhost${port + 1}][pci_address]
    END
    Should Contain    ${testpmd}[command]    --burst=32
    Should Contain    ${testpmd}[command]    --rxd=512
    Should Be True    ${testpmd}[pid] > 0
    Packets Should Flow    ${VM}
    Should Fail At Once    *VM '${VM}' runs testpmd already*    Run Testpmd In VM    ${VM}

Statistics Have Every Counter
    ${stats}=    Get Testpmd Stats    ${VM}
    FOR    ${port}    IN    @{stats}[ports]
        Lists Should Be Equal    ${{sorted($port)}}    ${{sorted($COUNTERS)}}
        Should Be Equal    ${port}[rx_bytes]    ${{$port['rx_packets'] * 64}}
        Should Be Equal    ${port}[rx_errors]    ${0}
    END

Commands Are Answered
    ${text}=    Testpmd Command    ${VM}    show port summary all
    Should Contain    ${text}    Number of available ports: 2
    Should Not Contain    ${text}    testpmd>
    ${text}=    Testpmd Command    ${VM}    show config fwd
    Should Contain    ${text}    io packet forwarding
    Testpmd Command    ${VM}    stop
    Testpmd Command    ${VM}    set fwd macswap
    Testpmd Command    ${VM}    start
    ${text}=    Testpmd Command    ${VM}    show config fwd
    Should Contain    ${text}    macswap packet forwarding
    Should Fail At Once    *dance*    Testpmd Command    ${VM}    dance now
    ${text}=    Testpmd Command    ${VM}    show port summary 0
    Should Contain    ${text}    52:54:00

The Last Statistics Come With The End
    ${before}=    Get Testpmd Stats    ${VM}
    ${stats}=    Stop Testpmd In VM    ${VM}
    FOR    ${port}    IN    ${0}    ${1}
        Should Be True    ${stats}[ports][${port}][rx_packets] >= ${before}[ports][${port}][rx_packets]
    END
    No Testpmd Should Run
    Should Fail At Once    *no testpmd runs*    Stop Testpmd In VM    ${VM}

Mac Forwarding Sends To The Peers
    ${testpmd}=    Run Testpmd In VM    ${VM}    forward_mode=mac
    ...    peer_macs=${{['02:00:00:00:00:b1', '02:00:00:00:00:b2']}}
    Should Contain    ${testpmd}[command]    --eth-peer=1,02:00:00:00:00:b2
    Host Testpmd Command    set fwd rxonly
    Host Testpmd Command    set verbose 1
    Send To Host Testpmd    start tx_first
    Wait For Host Testpmd Text    dst=02:00:00:00:00:B1
    Wait For Host Testpmd Text    dst=02:00:00:00:00:B2
    Testpmd Command    ${VM}    stop
    Host Testpmd Command    stop
    Host Testpmd Command    set verbose 0
    Host Testpmd Command    set fwd io

A Crash Is Told And Does Not Outlast Itself
    ${result}=    Execute In VM    ${VM}    pkill    -KILL    -x    dpdk-testpmd
    Should Be Equal    ${result}[rc]    ${0}
    Wait Until Keyword Succeeds    5 s    50 ms    No Testpmd Should Run
    ${error}=    Run Keyword And Expect Error    *    Get Testpmd Stats    ${VM}    timeout=5 s
    Should Contain    ${error}    ended
    Run Testpmd In VM    ${VM}
    Packets Should Flow    ${VM}
    Stop Testpmd In VM    ${VM}

A Start That Takes Too Long Leaves No Testpmd
    [Documentation]    Nobody writes into the pipe from which testpmd is to read commands.
    Execute In VM    ${VM}    mkfifo    /run/commands
    ${began}=    Evaluate    time.monotonic()
    ${error}=    Run Keyword And Expect Error    *    Run Testpmd In VM    ${VM}    timeout=5 s
    ...    extra_args=${{['--cmdline-file=/run/commands']}}
    ${seconds}=    Evaluate    time.monotonic() - ${began}
    Should Be True    5 <= ${seconds} < 6
    Should Contain    ${error}    timed out
    Wait Until Keyword Succeeds    10 s    50 ms    No Testpmd Should Run
    Run Testpmd In VM    ${VM}
    Packets Should Flow    ${VM}

A Missing Testpmd Is Named
    Stop Testpmd In VM    ${VM}
    Set Constant    testpmd.binary    no-such-testpmd
    ${error}=    Run Keyword And Expect Error    *    Run Testpmd In VM    ${VM}    timeout=10 s
    Should Contain    ${error}    no-such-testpmd
    [Teardown]    Reload Constants


*** Keywords ***
Set Up Testpmd
    Set Up Suite With Sockets
    Configure Vhost Interfaces    ${VM}    ${SOCKETS}/a    ${SOCKETS}/b
    Start Host Testpmd    ${SOCKETS}/a    ${SOCKETS}/b
    Start Kernel VM    ${VM}    cpus=2

No Testpmd Should Run
    ${result}=    Execute In VM    ${VM}    pgrep    -a    testpmd
    Should Be Equal    ${result}[rc]    ${1}    ${result}[stdout]
