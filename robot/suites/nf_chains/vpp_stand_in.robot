*** Settings ***
Documentation       What the driver vpp puts into a running VPP and takes out again. Debian has no VPP: a
...                 stand-in takes the commands, so no packet is forwarded here.
Resource            nf_chains.resource
Library             ../../libraries/VppStandIn.py
Library             ../../libraries/Leftovers.py

Suite Setup         Set Up Stand In
Suite Teardown      Tear Down Stand In
Test Teardown       Run Keywords    Stop Vswitch    AND    VPP Should Have Only What Others Have


*** Test Cases ***
Segments Are Bridge Domains
    ${stats}=    Start Vswitch    driver=vpp    nodes_per_chain=2
    Length Should Be    ${stats}[ports]    6
    Should Be Equal As Integers    ${stats}[ports][0][rx_packets]    7
    Should Be Equal As Integers    ${stats}[ports][0][tx_packets]    5
    ${state}=    Get VPP State
    Length Should Be    ${state}[domains]    3
    FOR    ${number}    ${domain}    IN    &{state}[domains]
        Length Should Be    ${domain}[members]    2
    END
    ${down}=    Evaluate    [i for i in $state['interfaces'].values() if not i['up']]
    Length Should Be    ${down}    1

Inner Segments Of A Pipeline Are Cross Connects
    Start Vswitch    driver=vpp    nodes_per_chain=2    topology=pipeline
    ${state}=    Get VPP State
    Length Should Be    ${state}[domains]    2
    ${crossed}=    Evaluate
    ...    sorted(i['socket'].rsplit('/', 1)[1] for i in $state['interfaces'].values() if i['l2'] and not i['l2'].isdigit())
    Should Be Equal    ${crossed}    ${{ ['sock-1-2', 'sock-2-1'] }}

A Start That Fails Is Rolled Back
    Tell VPP    stand-in    refuse-after    ${3}
    Run Keyword And Expect Error    *vswitch 'vpp'*no more memory for interfaces*
    ...    Start Vswitch    driver=vpp    nodes_per_chain=2
    VPP Should Have Only What Others Have
    Nothing Should Be Left
    [Teardown]    Tell VPP    stand-in    refuse-after    ${1000}

A Start Whose Counters Cannot Be Read Leaves Nothing
    Tell VPP    stand-in    mute    True
    Run Keyword And Expect Error    *Start Vswitch*vppctl show*    Start Vswitch    driver=vpp
    VPP Should Have Only What Others Have
    ${there}=    Stop Vswitch
    Should Not Be True    ${there}
    [Teardown]    Tell VPP    stand-in    mute    False

What A Killed Server Left Is Replaced
    Tell VPP    create    vhost-user    socket    %{VHOSTEL_RUN_DIR}/@nf/sock-1-1
    Start Vswitch    driver=vpp
    ${state}=    Get VPP State
    ${same}=    Evaluate
    ...    [n for n, i in $state['interfaces'].items() if i.get('socket', '').endswith('@nf/sock-1-1')]
    Length Should Be    ${same}    1
    Stop Vswitch
    FOR    ${number}    ${domain}    IN    &{state}[domains]
        Tell VPP    create    bridge-domain    ${number}    bd-tag    ${domain}[tag]
    END
    Start Vswitch    driver=vpp

A Bridge Domain Of Others Is Left Alone
    Start Vswitch    driver=vpp
    ${state}=    Get VPP State
    Stop Vswitch
    ${number}=    Evaluate    list($state['domains'])[1]
    Tell VPP    create    bridge-domain    ${number}    bd-tag    theirs
    Run Keyword And Expect Error    *VPP: bridge domain ${number} is in use*
    ...    Start Vswitch    driver=vpp
    ${state}=    Get VPP State
    Should Be Equal    ${state}[domains]    ${{ {'${number}': {'tag': 'theirs', 'members': []}} }}
    [Teardown]    Tell VPP    create    bridge-domain    ${number}    del

Its End Is Noticed And Another One Left Alone
    Start Vswitch    driver=vpp
    Kill VPP Stand In
    Run Keyword And Expect Error    *vswitch 'vpp' of chains 'nf' ended*    Get Vswitch Stats
    Start Stand In
    Tell VPP    create    vhost-user    socket    /tmp/another
    Stop Vswitch
    ${state}=    Get VPP State
    Length Should Be    ${state}[interfaces]    2
    [Teardown]    Tell VPP    delete    vhost-user    VirtualEthernet0/0/1

Its CPUs Are Its Own
    Run Keyword And Expect Error    *argument 'host_cpus': the vswitch runs already*
    ...    Start Vswitch    driver=vpp    host_cpus=${{ [0] }}


*** Keywords ***
Set Up Stand In
    Set Up Chains
    Start Stand In

Start Stand In
    ${socket}    ${vppctl}=    Start VPP Stand In
    Set Constant    vpp.cli_socket    ${socket}
    Set Constant    vpp.vppctl    ${vppctl}
    Tell VPP    create    vhost-user    socket    /tmp/others

Tear Down Stand In
    Remove VPP Stand In
    Reload Constants
    Tear Down Chains

VPP Should Have Only What Others Have
    ${state}=    Get VPP State
    Should Be Equal    ${{ [i['socket'] for i in $state['interfaces'].values()] }}
    ...    ${{ ['/tmp/others'] }}
    Should Be Empty    ${state}[domains]
